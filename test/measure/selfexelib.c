/* selfexelib.c - for LD_PRELOAD under valgrind, which tells readlink() of /proc/self/exe the program
 * it runs, but starts itself when /proc/self/exe is executed. What `make valgrind` needs. */
#include <dlfcn.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

typedef int (*spawn_fn)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
			char *const [], char *const []);

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
		char *const argv[], char *const envp[])
{
	static char self[4096];
	spawn_fn next = NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "posix_spawn");
	if (strcmp(path, "/proc/self/exe") == 0 && readlink(path, self, sizeof self - 1) > 0)
		path = self;
	return next(pid, path, actions, attr, argv, envp);
}
