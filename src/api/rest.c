#include "api/rest.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/cmd.h"
#include "base/list.h"

enum { REST_OWNER = 0x5e57 };

struct peer {			/* one connection */
	enum role role;
	char who[32];
};

struct rest {
	struct loop *loop;
	struct api_env *env;
	struct MHD_Daemon *mhd;
	struct loop_watch *watch;
	struct timer due;
	struct list waiting;		/* requests whose answer comes from the disk */
	int lookers;			/* connections of those who may only look */
	char path[108];
};

struct request {
	struct list link;		/* in waiting */
	struct rest *rest;
	struct MHD_Connection *conn;
	char *body;
	size_t n, cap;
	bool too_large, too_many, waits, done;
	const struct peer *peer;
	const struct cmd *cmd;		/* NULL: there is no such action */
	struct cmd_call call;
	enum cmd_result result;		/* once done */
};

/* --- answers ------------------------------------------------------------------------ */

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, struct str text,
				 const char *type, uint64_t next)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(text.n, (void *)(uintptr_t)text.p,
								 MHD_RESPMEM_MUST_COPY);
	enum MHD_Result x;
	char id[24];
	struct buf b;

	if (!r)
		return MHD_NO;
	buf_init(&b, id, sizeof id);
	buf_u64(&b, next);
	(void)MHD_add_response_header(r, "Content-Type", type);
	(void)MHD_add_response_header(r, "Cache-Control", "no-store");
	if (next)
		(void)MHD_add_response_header(r, "Tandem-Next", buf_z(&b));
	x = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return x;
}

static enum MHD_Result send_json(struct MHD_Connection *c, unsigned status, const json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(1));
	enum MHD_Result x = send_text(c, status, text ? str_of(text) : STR("{}"),
				      "application/json", 0);

	free(text);			/* jansson's own allocation */
	return x;
}

static enum MHD_Result send_error(struct MHD_Connection *c, unsigned status, const char *why)
{
	json_t *j = json_pack("{s:s}", "error", why);
	enum MHD_Result x = send_json(c, status, j);

	json_decref(j);
	return x;
}

static enum MHD_Result finish(struct request *q, enum cmd_result r)
{
	static const unsigned status[CMD_NRESULT] = {
		[CMD_OK] = MHD_HTTP_OK, [CMD_BAD] = MHD_HTTP_BAD_REQUEST,
		[CMD_DENIED] = MHD_HTTP_FORBIDDEN, [CMD_GONE] = MHD_HTTP_NOT_FOUND,
		[CMD_BUSY] = MHD_HTTP_SERVICE_UNAVAILABLE,
		[CMD_LATER] = MHD_HTTP_INTERNAL_SERVER_ERROR,
	};
	const struct cmd_call *c = &q->call;
	const char *why = json_string_value(c->out);

	if (r != CMD_OK)
		return send_error(q->conn, status[r], why ? why : "There is no answer.");
	if (c->text.p)
		return send_text(q->conn, status[r], c->text, c->type, c->next);
	return send_json(q->conn, status[r], c->out);
}

/* --- requests ------------------------------------------------------------------------- */

static int fd_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	return i ? i->connect_fd : -1;
}

static struct peer *peer_new(int fd)
{
	struct peer *p = mem_new(sizeof *p);
	socklen_t n = sizeof(struct ucred);
	struct ucred u;
	struct buf b;

	p->role = ROLE_VIEW;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &n))
		return p;
	buf_init(&b, p->who, sizeof p->who);
	buf_fmt(&b, "uid %u", (unsigned)u.uid);
	(void)buf_z(&b);
	if (u.uid == 0 || u.uid == geteuid())
		p->role = ROLE_ADMIN;
	return p;
}

/* The last connections are kept for who may do something: those who only look cannot lock him out. */
static void on_connection(void *ctx, struct MHD_Connection *c, void **mem, enum MHD_ConnectionNotificationCode what)
{
	struct rest *r = ctx;
	struct peer *p = *mem;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*mem = p = peer_new(fd_of(c));
		r->lookers += p->role == ROLE_VIEW;
		if (p->role == ROLE_VIEW && r->lookers > REST_LOOKERS)
			(void)shutdown(fd_of(c), SHUT_RDWR);	/* libmicrohttpd reads the end, and closes it */
	} else if (p) {
		r->lookers -= p->role == ROLE_VIEW;
		*mem = NULL;
		mem_free(p);
	}
}

static enum MHD_Result take_arg(void *ctx, enum MHD_ValueKind kind, const char *name,
				const char *value)
{
	struct request *q = ctx;
	struct cmd_call *c = &q->call;

	(void)kind;
	if (c->narg == CMD_ARGS) {
		q->too_many = true;
		return MHD_NO;
	}
	c->arg[c->narg].name = name;
	c->arg[c->narg++].value = value;
	return MHD_YES;
}

static enum MHD_Result wait_for_disk(struct request *q)
{
	q->waits = true;
	list_append(&q->rest->waiting, &q->link);
	MHD_suspend_connection(q->conn);
	return MHD_YES;
}

static enum MHD_Result act(struct request *q, const char *method)
{
	const struct cmd *c = q->cmd;
	enum cmd_result r;

	if (!c)
		return send_error(q->conn, MHD_HTTP_NOT_FOUND, "There is no such action; doc/commands.md lists them.");
	if (strcmp(method, c->post ? "POST" : "GET") != 0)
		return send_error(q->conn, MHD_HTTP_METHOD_NOT_ALLOWED, c->post ? "Use POST." : "Use GET.");
	if (q->too_large)
		return send_error(q->conn, MHD_HTTP_CONTENT_TOO_LARGE, "The body is larger than 32 MB.");
	q->call = (struct cmd_call){ .env = q->rest->env, .role = q->peer->role,
				     .who = q->peer->who, .body = { q->body, q->n } };
	(void)MHD_get_connection_values(q->conn, MHD_GET_ARGUMENT_KIND, take_arg, q);
	if (q->too_many)
		return send_error(q->conn, MHD_HTTP_BAD_REQUEST, "There are more arguments than any action takes.");
	r = cmd_run(c, &q->call, REST_OWNER);
	return r == CMD_LATER ? wait_for_disk(q) : finish(q, r);
}

static struct request *request_new(struct rest *r, struct MHD_Connection *c, const char *url)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *q;

	if (!i || !i->socket_context)
		return NULL;
	q = mem_new(sizeof *q);
	q->rest = r;
	q->conn = c;
	q->peer = i->socket_context;
	q->cmd = strncmp(url, "/v1/", 4) ? NULL : cmd_find(str_of(url + 4));
	return q;
}

/* What is going to be refused is read and not kept. */
static bool wants_body(const struct request *q)
{
	return q->cmd && q->cmd->post && q->peer->role >= q->cmd->role;
}

/* Grows by copying and wiping: a site has passwords. */
static void take_body(struct request *q, const char *data, size_t n)
{
	char *old = q->body;

	if (q->too_large || n > CMD_BODY_MAX - q->n) {
		q->too_large = true;
		return;
	}
	if (q->n + n > q->cap) {
		q->cap = 2 * (q->n + n);
		q->body = mem_new(q->cap);
		if (old) {
			memcpy(q->body, old, q->n);
			mem_wipe(old, q->n);
		}
		mem_free(old);
	}
	memcpy(q->body + q->n, data, n);
	q->n += n;
}

/* NOLINTNEXTLINE(readability-function-size): the shape libmicrohttpd calls */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *n, void **mem)
{
	struct request *q = *mem;

	(void)version;
	if (!q) {
		*mem = request_new(ctx, c, url);
		return *mem ? MHD_YES : MHD_NO;
	}
	if (*n) {
		if (wants_body(q))
			take_body(q, data, *n);
		*n = 0;
		return MHD_YES;
	}
	if (q->waits)
		return q->done ? finish(q, q->result) : MHD_YES;
	return act(q, method);
}

static void on_end(void *ctx, struct MHD_Connection *c, void **mem,
		   enum MHD_RequestTerminationCode why)
{
	struct request *q = *mem;

	(void)ctx;
	(void)c;
	(void)why;
	if (!q)
		return;
	*mem = NULL;
	if (q->waits && !q->done) {	/* the daemon ends; the disk thread still has the job */
		q->call.query = NULL;
		q->call.change = NULL;
	}
	if (q->waits)
		list_remove(&q->link);
	cmd_close(&q->call);
	if (q->body)
		mem_wipe(q->body, q->n);
	mem_free(q->body);
	mem_free(q);
}

/* --- the loop ---------------------------------------------------------------------------- */

static void pump(void *arg)
{
	struct rest *r = arg;
	MHD_UNSIGNED_LONG_LONG ms;

	(void)MHD_run(r->mhd);
	if (MHD_get_timeout(r->mhd, &ms) == MHD_YES)
		timer_start(&r->loop->timers, &r->due, ms, pump, r);
	else
		timer_stop(&r->loop->timers, &r->due);
}

static struct request *waiting_for(const struct rest *r, const void *job)
{
	for (struct list *p = r->waiting.next; p != &r->waiting; p = p->next) {
		struct request *q = LIST_ENTRY(p, struct request, link);

		if (!q->done && (q->call.query == job || q->call.change == job))
			return q;
	}
	return NULL;
}

bool rest_on_store(struct rest *r, const struct store_event *ev)
{
	struct request *q;

	if (ev->owner != REST_OWNER || !r)
		return false;
	q = waiting_for(r, ev->arg);
	if (!q)
		return true;
	/* here, not with the answer: a change that is on the disk comes into force though nobody waits for it */
	q->result = cmd_finish(q->cmd, &q->call, ev->err);
	q->done = true;
	MHD_resume_connection(q->conn);
	timer_start(&r->loop->timers, &r->due, 0, pump, r);	/* without threads it wakes nobody */
	return true;
}

/* Is somebody there? A full backlog is somebody, too. */
static bool answered(int fd, const struct sockaddr_un *a)
{
	return connect(fd, (const struct sockaddr *)a, sizeof *a) == 0 || errno == EAGAIN;
}

/* A socket that a dead daemon left; never a file of another kind. */
static bool clear_path(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return false;
	}
	return unlink(path) == 0;
}

static int listen_at(const char *path, struct buf *why)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = -1;

	if (!str_copy(a.sun_path, sizeof a.sun_path, str_of(path))) {
		buf_fmt(why, "The control socket's name %s is too long; choose a shorter one.", path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && answered(fd, &a)) {
		buf_fmt(why, "Another daemon answers on %s. Stop it, or choose another control-socket.",
			path);
		goto fail;
	}
	if (fd < 0 || !clear_path(path) || bind(fd, (struct sockaddr *)&a, sizeof a) ||
	    chmod(path, 0660) || listen(fd, REST_CONNECTIONS)) {
		buf_fmt(why, "The control socket %s cannot be made: %s. Check its folder and name.",
			path, strerror(errno));
		goto fail;
	}
	return fd;
fail:
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static struct MHD_Daemon *start(struct rest *r, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request,
				r, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
				on_end, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, r,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned)REST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
				(unsigned)REST_IDLE_S, MHD_OPTION_END);
}

struct rest *rest_new(struct loop *l, struct api_env *env, const char *socket_path, struct buf *why)
{
	struct rest *r = mem_new(sizeof *r);
	const union MHD_DaemonInfo *i;
	int fd = listen_at(socket_path, why);

	r->loop = l;
	r->env = env;
	list_init(&r->waiting);
	if (fd < 0)
		goto fail;
	(void)str_copy(r->path, sizeof r->path, str_of(socket_path));
	r->mhd = start(r, fd);
	if (!r->mhd)
		(void)close(fd);	/* else MHD owns it */
	i = r->mhd ? MHD_get_daemon_info(r->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!i) {
		buf_lit(why, "The control socket cannot be served: libmicrohttpd here has no epoll.");
		goto fail;
	}
	r->watch = loop_watch(l, i->epoll_fd, pump, r);
	return r;
fail:
	rest_free(r);
	return NULL;
}

void rest_free(struct rest *r)
{
	if (!r)
		return;
	timer_stop(&r->loop->timers, &r->due);
	if (r->watch)
		loop_unwatch(r->watch);
	for (struct list *p = r->waiting.next; p != &r->waiting; p = p->next)
		MHD_resume_connection(LIST_ENTRY(p, struct request, link)->conn);
	if (r->mhd)
		MHD_stop_daemon(r->mhd);
	if (r->path[0])
		(void)unlink(r->path);
	mem_free(r);
}
