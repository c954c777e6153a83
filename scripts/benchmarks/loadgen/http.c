/* HTTP 1.1, one connection kept: the requests of a script and of a browser. Knows no sockets. */
#define _GNU_SOURCE
#include "http.h"

#include "writing.h"

#include <stdlib.h>
#include <string.h>

size_t http_post(struct speaker *speaker, char *out)
{
    static const char opening[] = "{\"text\":\"", closing[] = "\"}";
    size_t body = sizeof opening - 1 + MESSAGE_BYTES + sizeof closing - 1;
    size_t at = format(out, 256,
                       "POST /tweets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s", body, opening);
    write_message(out + at, speaker->serial, tag_of(speaker));
    at += MESSAGE_BYTES;
    return at + literal(out + at, closing);
}

size_t http_json(struct speaker *speaker, char *out)
{
    (void)speaker;
    return literal(out, "GET /tweets.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
}

size_t http_page(struct speaker *speaker, char *out)
{
    (void)speaker;
    return literal(out, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n");
}

size_t http_known(struct speaker *speaker, char *out)
{
    return format(out, MAX_REQUEST_BYTES,
                  "GET /tweets.json HTTP/1.1\r\nHost: 127.0.0.1\r\nIf-None-Match: %s\r\n\r\n", speaker->version);
}

/* The value of a header between `in` and the end of its line; `name` is "\r\nname: ". NULL without it. */
static const char *http_header(const char *in, const char *end, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = in; at + length <= end; at++)
        if (*at == '\r' && strncasecmp(at, name, length) == 0)
            return at + length;
    return NULL;
}

static enum outcome http_answer(const char *in, size_t length, size_t *used, const char *start)
{
    const char *end = memmem(in, length, "\r\n\r\n", 4);
    if (end == NULL)
        return INCOMPLETE;
    const char *bytes = http_header(in, end, "\r\ncontent-length: ");
    *used = (size_t)(end - in) + 4 + (bytes ? strtoul(bytes, NULL, 10) : 0);
    if (*used > length)
        return INCOMPLETE;
    return starts(in, length, start) ? ANSWERED : REFUSED;
}

enum outcome http_reply(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    return http_answer(in, length, used, "HTTP/1.1 2");
}

/* Keep the version of an answer, which later requests show. */
enum outcome http_learn(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    enum outcome outcome = http_answer(in, length, used, "HTTP/1.1 200");
    const char *version = outcome == ANSWERED ? http_header(in, in + *used, "\r\netag: ") : NULL;
    size_t bytes = version ? strcspn(version, "\r") : 0;
    if (outcome != ANSWERED)
        return outcome;
    if (bytes == 0 || bytes >= sizeof speaker->version)
        return REFUSED;
    memcpy(speaker->version, version, bytes);
    return ANSWERED;
}

enum outcome http_not_modified(struct speaker *speaker, const char *in, size_t length, size_t *used)
{
    (void)speaker;
    return http_answer(in, length, used, "HTTP/1.1 304");
}
