#include "api/rest.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/cmd.h"

enum { REST_OWNER = 0x5e57, REST_TICK_MS = 250 };

struct rest {
	struct loop *loop;
	struct api_env *env;
	struct MHD_Daemon *mhd;
	struct loop_watch *watch;
	struct timer tick;
	char path[108];
	uint32_t open;			/* requests under way */
};

struct request {
	struct rest *rest;
	struct MHD_Connection *conn;
	char *body;
	size_t n, cap;
	bool too_large, suspended, done;
	struct cmd_call call;
	enum err job_err;
};

/* --- answers ------------------------------------------------------------------------ */

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, const char *text,
				 size_t n, const char *type)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(n, (void *)(uintptr_t)text,
								  MHD_RESPMEM_MUST_COPY);
	enum MHD_Result x;

	if (!r)
		return MHD_NO;
	(void)MHD_add_response_header(r, "Content-Type", type);
	x = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return x;
}

static enum MHD_Result send_json(struct MHD_Connection *c, unsigned status, json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(1) | JSON_ENCODE_ANY);
	enum MHD_Result x = send_text(c, status, text ? text : "{}", text ? strlen(text) : 2,
				      "application/json");

	free(text);			/* banned: jansson's own allocation */
	json_decref(j);
	return x;
}

static enum MHD_Result send_error(struct MHD_Connection *c, unsigned status, json_t *why)
{
	return send_json(c, status, json_pack("{s:o}", "error", why));
}

static enum MHD_Result finish(struct request *q, enum cmd_result r)
{
	static const unsigned status[] = { [CMD_OK] = 200, [CMD_BAD] = 400, [CMD_GONE] = 404,
					   [CMD_LATER] = 500 };
	json_t *out = q->call.out;

	q->call.out = NULL;
	if (r == CMD_OK)
		return send_json(q->conn, 200, out);
	return send_error(q->conn, status[r], out ? out : json_string("no answer"));
}

static enum MHD_Result finish_job(struct request *q)
{
	struct cmd_job *j = q->call.job;

	if (q->job_err == ERR_GONE)
		return send_error(q->conn, 404, json_string("There is no call with this id."));
	if (q->job_err)
		return send_error(q->conn, 503, json_string("The database cannot be read now; `tandem status` says why."));
	return send_text(q->conn, 200, j->text, j->n, j->csv ? "text/csv" : "application/json");
}

/* --- requests ------------------------------------------------------------------------- */

static enum role role_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c,
						MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred u;
	socklen_t n = sizeof u;

	if (!i || getsockopt(i->connect_fd, SOL_SOCKET, SO_PEERCRED, &u, &n))
		return ROLE_VIEW;
	return u.uid == 0 || u.uid == geteuid() ? ROLE_ADMIN : ROLE_VIEW;
}

static const char *arg_of(void *ctx, const char *name)
{
	return MHD_lookup_connection_value(ctx, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result later(struct request *q)
{
	q->call.job->request = q;
	if (store_run(q->rest->env->store, cmd_job_run, q->call.job, REST_OWNER))
		return send_error(q->conn, 503, json_string("Too many queries are waiting; try again."));
	q->suspended = true;
	MHD_suspend_connection(q->conn);
	return MHD_YES;
}

static enum MHD_Result act(struct request *q, const char *url, const char *method)
{
	const struct cmd *c = strncmp(url, "/v1/", 4) ? NULL : cmd_find(str_of(url + 4));
	enum cmd_result r;

	if (!c)
		return send_error(q->conn, 404, json_string("There is no such action; `tandem help` lists them."));
	if (strcmp(method, c->post ? "POST" : "GET") != 0)
		return send_error(q->conn, 405, json_string(c->post ? "Use POST." : "Use GET."));
	if (role_of(q->conn) < c->role)
		return send_error(q->conn, 403, json_string("Only root and the daemon's own user may do this."));
	if (q->too_large)
		return send_error(q->conn, 413, json_string("The body is too large."));
	q->call = (struct cmd_call){ .env = q->rest->env, .arg = arg_of, .ctx = q->conn,
				     .body = { q->body, q->n } };
	r = c->run(&q->call);
	return r == CMD_LATER ? later(q) : finish(q, r);
}

static void take_body(struct request *q, const char *data, size_t n)
{
	if (q->n + n > REST_BODY_MAX) {
		q->too_large = true;
		return;
	}
	if (q->n + n > q->cap) {
		q->cap = 2 * (q->n + n);
		q->body = mem_grow(q->body, q->cap, 1);
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
		q = mem_new(sizeof *q);
		q->rest = ctx;
		q->conn = c;
		q->rest->open++;
		*mem = q;
		return MHD_YES;
	}
	if (*n) {
		take_body(q, data, *n);
		*n = 0;
		return MHD_YES;
	}
	if (q->suspended)
		return q->done ? finish_job(q) : MHD_YES;
	return act(q, url, method);
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
	q->rest->open--;
	if (q->call.job) {
		mem_free(q->call.job->text);
		mem_free(q->call.job);
	}
	json_decref(q->call.out);
	if (q->body)
		mem_wipe(q->body, q->n);	/* a site has passwords */
	mem_free(q->body);
	mem_free(q);
	*mem = NULL;
}

/* --- the loop ---------------------------------------------------------------------------- */

static void on_ready(void *arg)
{
	struct rest *r = arg;

	(void)MHD_run(r->mhd);
}

/* MHD's own deadlines, and connections resumed outside of its descriptors. */
static void on_tick(void *arg)
{
	struct rest *r = arg;

	(void)MHD_run(r->mhd);
	timer_start(&r->loop->timers, &r->tick, REST_TICK_MS, on_tick, r);
}

static void resume(void *cls)
{
	struct request *q = cls;

	q->done = true;
	MHD_resume_connection(q->conn);
}

bool rest_on_store(struct rest *r, const struct store_event *ev)
{
	struct cmd_job *j = ev->arg;
	struct request *q;

	if (ev->owner != REST_OWNER || !r)
		return false;
	q = j->request;
	q->job_err = ev->err;
	resume(q);
	(void)MHD_run(r->mhd);
	(void)MHD_run(r->mhd);
	return true;
}

static int listen_at(const char *path, struct buf *why)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || !str_copy(a.sun_path, sizeof a.sun_path, str_of(path))) {
		buf_fmt(why, "The control socket's name %s is too long; choose a shorter one.", path);
		goto fail;
	}
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
		buf_fmt(why, "Another daemon answers on %s. Stop it, or choose another control-socket.",
			path);
		goto fail;
	}
	(void)unlink(path);		/* left by a daemon that died */
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || chmod(path, 0660) || listen(fd, 64)) {
		buf_fmt(why, "The control socket %s cannot be made: %s. Check its folder.", path,
			strerror(errno));
		goto fail;
	}
	return fd;
fail:
	if (fd >= 0)
		close(fd);
	return -1;
}

struct rest *rest_new(struct loop *l, struct api_env *env, const char *socket_path, struct buf *why)
{
	struct rest *r = mem_new(sizeof *r);
	const union MHD_DaemonInfo *i;
	int fd = listen_at(socket_path, why);

	r->loop = l;
	r->env = env;
	if (fd < 0)
		goto fail;
	(void)str_copy(r->path, sizeof r->path, str_of(socket_path));
	r->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request,
				  r, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
				  on_end, NULL, MHD_OPTION_CONNECTION_TIMEOUT, 30u, MHD_OPTION_END);
	i = r->mhd ? MHD_get_daemon_info(r->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!i) {
		buf_lit(why, "The control socket cannot be served (libmicrohttpd without epoll).");
		goto fail;
	}
	r->watch = loop_watch(l, i->epoll_fd, on_ready, r);
	on_tick(r);
	return r;
fail:
	mem_free(r);
	return NULL;
}

void rest_free(struct rest *r)
{
	if (!r)
		return;
	timer_stop(&r->loop->timers, &r->tick);
	loop_unwatch(r->watch);
	MHD_stop_daemon(r->mhd);
	(void)unlink(r->path);
	mem_free(r);
}
