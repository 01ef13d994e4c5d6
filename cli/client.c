#include "cli/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/config.h"

static void socket_of_config(struct client *c, const char *file)
{
	struct findings *fs = mem_new(sizeof *fs);
	struct config *cfg = config_load(file, fs);

	if (cfg)
		(void)str_copy(c->socket, sizeof c->socket, cfg->control_socket);
	config_free(cfg);
	mem_free(fs);
}

static void find_socket(struct client *c)
{
	const char *env = getenv("TANDEM_SOCKET");

	if (c->socket[0])
		return;
	if (env)
		(void)str_copy(c->socket, sizeof c->socket, str_of(env));
	else if (access("tandem.yaml", R_OK) == 0)
		socket_of_config(c, "tandem.yaml");
	if (!c->socket[0])
		(void)str_copy(c->socket, sizeof c->socket, STR("/run/tandem/control.sock"));
}

static bool valued(struct client *c, const char *name, const char *value)
{
	if (!strcmp(name, "--socket"))
		return str_copy(c->socket, sizeof c->socket, str_of(value));
	if (!strcmp(name, "-c"))
		socket_of_config(c, value);
	else if (!strcmp(name, "-f"))
		c->file = value;
	else if (!strcmp(name, "--from"))
		c->from = value;
	else if (!strcmp(name, "--to"))
		c->to = value;
	else if (!strcmp(name, "--limit"))
		c->limit = value;
	else if (!strcmp(name, "--number"))
		c->number = value;
	else
		return false;
	return true;
}

bool client_args(struct client *c, int argc, char **argv, const char *usage)
{
	bool good = true;

	*c = (struct client){ 0 };
	for (int i = 1; i < argc && good; i++) {
		if (!strcmp(argv[i], "--json"))
			c->json = true;
		else if (!strcmp(argv[i], "--csv"))
			c->csv = true;
		else if (argv[i][0] == '-')
			good = i + 1 < argc && valued(c, argv[i], argv[i + 1]) && ++i;
		else if (c->nwords < CLIENT_WORDS)
			c->word[c->nwords++] = argv[i];
	}
	if (!good)
		fprintf(stderr, "usage: tandem %s\n", usage);
	find_socket(c);
	return good;
}

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
	struct client *c = ctx;

	c->text = mem_grow(c->text, c->n + size * n + 1, 1);
	memcpy(c->text + c->n, data, size * n);
	c->n += size * n;
	c->text[c->n] = 0;
	return size * n;
}

static int tell(const struct client *c, CURLcode rc)
{
	json_t *j = rc == CURLE_OK ? client_answer(c) : NULL;
	const char *why = json_string_value(json_object_get(j, "error"));

	if (rc != CURLE_OK)
		fprintf(stderr, "The daemon does not answer on %s. Start it with `tandem serve -c tandem.yaml`, or name its socket with --socket.\n",
			c->socket);
	else
		fprintf(stderr, "%s\n", why ? why : "The daemon gave an answer that cannot be read.");
	json_decref(j);
	return 1;
}

int client_ask(struct client *c, const char *path, const char *body, size_t n)
{
	CURL *h = curl_easy_init();
	char url[1200];
	CURLcode rc;

	if (!h)
		return 1;
	(void)snprintf(url, sizeof url, "http://tandem/v1/%s", path);
	curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	if (body) {
		curl_easy_setopt(h, CURLOPT_POST, 1L);
		curl_easy_setopt(h, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, (long)n);
	}
	rc = curl_easy_perform(h);
	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &c->status);
	curl_easy_cleanup(h);
	return rc == CURLE_OK && c->status / 100 == 2 ? 0 : tell(c, rc);
}

json_t *client_answer(const struct client *c)
{
	return c->text ? json_loadb(c->text, c->n, 0, NULL) : NULL;
}

void client_free(struct client *c)
{
	mem_free(c->text);
	c->text = NULL;
}
