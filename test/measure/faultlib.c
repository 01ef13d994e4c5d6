/* faultlib.c - for LD_PRELOAD: fsync() and fdatasync() take FAULT_SYNC_MS while the file
 * FAULT_FILE exists. What `make hostile` F3 does to the disk. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int fsync(int fd);
int fdatasync(int fd);

static void wait_if_faulty(void)
{
	const char *file = getenv("FAULT_FILE"), *ms = getenv("FAULT_SYNC_MS");
	long n = ms ? strtol(ms, NULL, 10) : 0;
	struct timespec t = { n / 1000, n % 1000 * 1000000 };

	if (file && access(file, F_OK) == 0)
		(void)nanosleep(&t, NULL);
}

static int real(const char *name, int fd)
{
	int (*fn)(int);

	*(void **)&fn = dlsym(RTLD_NEXT, name);
	return fn ? fn(fd) : -1;
}

int fsync(int fd)
{
	wait_if_faulty();
	return real("fsync", fd);
}

int fdatasync(int fd)
{
	wait_if_faulty();
	return real("fdatasync", fd);
}
