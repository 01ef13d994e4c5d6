#include "cli/client.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "conf/config.h"

enum { SPECS = CMD_ARGS + 12, ANSWER_MAX = 64 << 20, ASK_S = 60, MORE_MAX = 4 };

/* --- options ----------------------------------------------------------------------- */

/* A configuration with mistakes is told whole: the socket it names may be one of them. */
static enum err socket_of(struct client *c, const char *file)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct config *cfg = config_load(file, fs);
	enum err e = OK;

	if (!cfg) {
		for (int i = 0; i < fs->n; i++)
			fprintf(stderr, "%s:%u:%u: %s\n", fs->f[i].file[0] ? fs->f[i].file : file,
				fs->f[i].line, fs->f[i].col, fs->f[i].text);
		e = ERR_PARSE;
	} else if (!str_copy(c->socket, sizeof c->socket, cfg->control_socket)) {
		fprintf(stderr, "%s: the name of the control-socket is too long.\n", file);
		e = ERR_LIMIT;
	}
	config_free(cfg);
	mem_free(fs);
	return e;
}

static enum err find_socket(struct client *c)
{
	const char *env = getenv("TANDEM_SOCKET");
	const char *name = c->socket_option ? c->socket_option : c->config ? NULL : env;

	if (!name && c->config)
		return socket_of(c, c->config);
	if (!name && access("tandem.yaml", R_OK) == 0)
		return socket_of(c, "tandem.yaml");
	if (str_copy(c->socket, sizeof c->socket,
		     name && *name ? str_of(name) : STR("/run/tandem/control.sock")))
		return OK;
	fprintf(stderr, "tandem: the socket's name is longer than a socket's name can be.\n");
	return ERR_LIMIT;
}

/* Words without an option are the needed arguments in their order. */
static enum err take_words(struct client *c, const struct args *a)
{
	int at = 0;

	for (int i = 0; i < a->nword; i++) {
		while (c->cmd->arg[at].name && (!c->cmd->arg[at].must || c->value[at]))
			at++;
		if (!c->cmd->arg[at].name) {
			fprintf(stderr, "tandem %s: \"", c->cmd->name);
			table_say(stderr, a->word[i]);
			fprintf(stderr, "\" is one word too many; see `tandem help`.\n");
			return ERR_PARSE;
		}
		c->value[at] = a->word[i];
	}
	for (const struct cmd_arg *p = c->cmd->arg; p->name; p++)
		if (p->must && !c->value[p - c->cmd->arg]) {
			fprintf(stderr, "tandem %s needs --%s: %s.\n", c->cmd->name, p->name, p->help);
			return ERR_PARSE;
		}
	return OK;
}

enum err client_begin(struct client *c, const char *action, int argc, char **argv,
		      const struct arg_spec *more)
{
	char name[CMD_ARGS][24];
	struct arg_spec spec[SPECS] = {
		{ "--json", NULL, &c->json }, { "--csv", NULL, &c->csv },
		{ "--help", NULL, &c->help }, { "--socket", &c->socket_option, NULL },
		{ "-c", &c->config, NULL },
	};
	struct args a;
	int n = 5;

	*c = (struct client){ .cmd = cmd_find(str_of(action)) };
	assert(c->cmd);
	for (int i = 0; c->cmd->arg[i].name; i++) {
		struct buf b;

		buf_init(&b, name[i], sizeof name[i]);
		buf_fmt(&b, "--%s", c->cmd->arg[i].name);
		spec[n++] = (struct arg_spec){ buf_z(&b), &c->value[i], NULL };
	}
	for (int i = 0; more && more[i].name && i < MORE_MAX; i++)
		spec[n++] = more[i];
	argv[0] = (char *)(uintptr_t)c->cmd->name;	/* for what is told */
	if (args_parse(argc, argv, spec, &a))
		return ERR_PARSE;
	if (c->help)
		return OK;
	return take_words(c, &a) ? ERR_PARSE : find_socket(c);
}

int client_arg(const struct client *c, const char *name)
{
	for (int i = 0; c->cmd->arg[i].name; i++)
		if (!strcmp(c->cmd->arg[i].name, name))
			return i;
	assert(c->cmd->arg[0].name == name);	/* an argument that is not of the action's row */
	return 0;
}

int client_help(const struct cmd *cmd)
{
	printf("tandem %s: %s\n", cmd->name, cmd->help);
	for (const struct cmd_arg *p = cmd->arg; p->name; p++)
		printf("  --%-10s %s%s\n", p->name, p->help, p->must ? " (needed)" : "");
	printf("  --%-10s the daemon's answer as it came\n  --%-10s the daemon's control socket\n"
	       "  %-12s or the configuration that names it\n", "json", "socket", "-c FILE");
	return 0;
}

/* --- the request -------------------------------------------------------------------- */

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

bool client_path(const struct client *c, struct buf *b)
{
	char sep = '?';

	buf_lit(b, "/v1/");
	for (const char *p = c->cmd->name; *p; p++)
		buf_ch(b, *p == ' ' ? '/' : *p);
	for (int i = 0; c->cmd->arg[i].name; i++) {
		if (!c->value[i])
			continue;
		buf_fmt(b, "%c%s=", sep, c->cmd->arg[i].name);
		for (const char *p = c->value[i]; *p; p++)
			if (is_plain(*p))
				buf_ch(b, *p);
			else
				buf_fmt(b, "%%%02X", (unsigned char)*p);
		sep = '&';
	}
	return buf_ok(b);
}

static size_t take_text(char *data, size_t size, size_t count, void *ctx)
{
	struct client *c = ctx;
	size_t n = size * count;

	if (n > ANSWER_MAX - c->n)
		return 0;
	if (c->n + n + 1 > c->cap) {
		c->cap = 2 * (c->n + n + 1);
		c->text = mem_grow(c->text, c->cap, 1);
	}
	memcpy(c->text + c->n, data, n);
	c->n += n;
	c->text[c->n] = 0;
	return n;
}

static size_t take_header(char *data, size_t size, size_t count, void *ctx)
{
	struct client *c = ctx;
	struct str name, value, line = { data, size * count };

	if (str_cut(line, ':', &name, &value) && str_iis(name, "Tandem-Next")) {
		while (value.n && value.p[value.n - 1] <= ' ')
			value.n--;
		(void)str_copy(c->next, sizeof c->next, str_trim(value));
	}
	return size * count;
}

static int tell(const struct client *c, CURLcode rc)
{
	json_t *j = rc == CURLE_OK ? client_answer(c) : NULL;
	const char *why = json_string_value(json_object_get(j, "error"));

	if (rc == CURLE_OPERATION_TIMEDOUT)
		fprintf(stderr, "The daemon on %s gave no answer within %d s.\n", c->socket, ASK_S);
	else if (rc == CURLE_COULDNT_CONNECT && access(c->socket, W_OK) && errno == EACCES)	/* it, or its folder */
		fprintf(stderr, "You may not use the control socket %s: root and its owner may, and its group may look. Try sudo.\n",
			c->socket);
	else if (rc != CURLE_OK)
		fprintf(stderr, "The daemon does not answer on %s. Start it with `tandem serve -c tandem.yaml`, or name its socket with --socket.\n",
			c->socket);
	else {
		fprintf(stderr, "tandem %s: ", c->cmd->name);
		table_say(stderr, why ? why : "the daemon gave an answer that cannot be read.");
		fprintf(stderr, "\n");
	}
	json_decref(j);
	return 1;
}

static CURLcode perform(struct client *c, CURL *h, const char *url, const char *body, size_t n)
{
	CURLcode rc;

	(void)curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	(void)curl_easy_setopt(h, CURLOPT_URL, url);
	(void)curl_easy_setopt(h, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)ASK_S);
	(void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_text);
	(void)curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	(void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	(void)curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
	if (c->cmd->post) {
		(void)curl_easy_setopt(h, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, body ? body : "");
		(void)curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(body ? n : 0));
	}
	rc = curl_easy_perform(h);
	(void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &c->status);
	return rc;
}

int client_ask(struct client *c, const char *body, size_t n)
{
	char url[4096];
	struct buf b;
	CURLcode rc;
	CURL *h;

	buf_init(&b, url, sizeof url);
	buf_lit(&b, "http://tandem");
	if (!client_path(c, &b)) {
		fprintf(stderr, "tandem %s: the arguments are too long.\n", c->cmd->name);
		return 1;
	}
	h = curl_easy_init();
	if (!h)
		return 1;
	c->n = 0;
	c->next[0] = 0;
	rc = perform(c, h, buf_z(&b), body, n);
	curl_easy_cleanup(h);
	return rc == CURLE_OK && c->status / 100 == 2 ? 0 : tell(c, rc);
}

json_t *client_answer(const struct client *c)
{
	return c->n ? json_loadb(c->text, c->n, 0, NULL) : NULL;
}

void client_print(const struct client *c)
{
	table_json(stdout, (struct str){ c->text, c->n });
	printf("\n");
}

void client_end(struct client *c)
{
	if (c->text)
		mem_wipe(c->text, c->n);	/* an exported site has passwords */
	mem_free(c->text);
	c->text = NULL;
	c->n = c->cap = 0;
}

int client_run(const char *action, int argc, char **argv, void (*people)(const json_t *answer))
{
	struct client c;
	json_t *j;
	int rc;

	if (client_begin(&c, action, argc, argv, NULL))
		return 1;
	if (c.help)
		return client_help(c.cmd);
	rc = client_ask(&c, NULL, 0);
	j = rc ? NULL : client_answer(&c);
	if (!rc && c.json)
		client_print(&c);
	else if (j)
		people(j);
	json_decref(j);
	client_end(&c);
	return rc;
}

/* --- answers ------------------------------------------------------------------------------ */

const char *js_get(const json_t *o, const char *key)
{
	const char *z = json_string_value(json_object_get(o, key));

	return z ? z : "";
}

long js_long(const json_t *o, const char *key)
{
	return (long)json_integer_value(json_object_get(o, key));
}

const char *js_time(const json_t *o, const char *key, char out[24])
{
	struct str s = str_sub(str_of(js_get(o, key)), 0, 19);

	(void)str_copy(out, 24, s);
	if (s.n == 19)
		out[10] = ' ';
	return out;
}
