/*
 * Asks the C library's resolver. Compiled twice: with gcc against glibc, with musl-gcc against musl.
 * Each argument is KIND:NAME, with KIND A, AAAA or ANY (both families in one call), or PTR:ADDRESS. Each gets a line:
 * the argument, a tab, then what was found with blanks between, or "!" and why not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char *reason(int error)
{
	switch (error) {
	case EAI_NONAME:
		return "!not-found";
#ifdef EAI_NODATA
	case EAI_NODATA:
		return "!no-data";
#endif
	case EAI_AGAIN:
		return "!try-again";
	default:
		return gai_strerror(error);
	}
}

static void print_address(const struct addrinfo *found)
{
	char text[NI_MAXHOST];
	getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
	printf("%s ", text);
}

static void addresses(const char *name, int family)
{
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *list;
	int error = getaddrinfo(name, NULL, &hints, &list);
	if (error) {
		printf("%s", reason(error));
		return;
	}
	for (const struct addrinfo *at = list; at; at = at->ai_next)
		print_address(at);
	freeaddrinfo(list);
}

static void name_of(const char *address)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *numeric;
	char name[NI_MAXHOST];
	int error = getaddrinfo(address, NULL, &hints, &numeric);
	if (!error) {
		error = getnameinfo(numeric->ai_addr, numeric->ai_addrlen, name, sizeof name, NULL, 0, NI_NAMEREQD);
		freeaddrinfo(numeric);
	}
	printf("%s", error ? reason(error) : name);
}

int main(int count, char **words)
{
	for (int at = 1; at < count; at++) {
		const char *what = strchr(words[at], ':') + 1;
		printf("%s\t", words[at]);
		if (!strncmp(words[at], "PTR:", 4))
			name_of(what);
		else if (!strncmp(words[at], "AAAA:", 5))
			addresses(what, AF_INET6);
		else
			addresses(what, strncmp(words[at], "ANY:", 4) ? AF_INET : AF_UNSPEC);
		printf("\n");
	}
	return 0;
}
