/* A load generator for request and reply over TCP: what its parts share.
 *
 * loadgen.c   connections, clock, figures; knows no protocol
 * protocols.c what each peer speaks, as one table; knows no sockets
 * http.c      what is spoken to HTTP servers
 * writing.c   how requests are written
 * options.c   the command line
 * messages.c  the tweets that are sent, and histogram of latencies
 *
 * tools.c is for this and the other generator.
 */
#ifndef LOADGEN_H
#define LOADGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools.h"

enum {
    MAX_REQUEST_BYTES = 1024,   /* the longest is an HTTP POST of about 300 bytes */
    MAX_GREETING_BYTES = 512,   /* NATS: CONNECT, SUB and PING in one go */
    MESSAGE_BYTES = 100,        /* a usual tweet; the limit of ttweet is 150 characters */
    TAG_COUNT = 1000,
};

/* What a protocol may know of the connection that it speaks on. */
struct speaker {
    uint32_t number;    /* of the connection, from 0 */
    uint32_t serial;    /* of the last request, from 1 */
    const char *tag;    /* the one tag of reads, or NULL: one at random */
    char urgent[64];    /* bytes that a reply calls for at once, such as PONG */
    size_t urgent_bytes;
    char version[64];   /* of an answer that the client has: the ETag of HTTP */
};

/* What stands at the front of the bytes that came in. */
enum outcome {
    INCOMPLETE,     /* wait for more bytes */
    ANSWERED,       /* the oldest request is done */
    REFUSED,        /* the oldest request is done, with an error */
    IGNORED,        /* something else; skip it */
};

/* One way to talk to one kind of server. Replies come in the order of requests. */
struct protocol {
    const char *name;
    const char *purpose;
    /* Write what opens a conversation; NULL when requests may come at once. Returns its length. */
    size_t (*greeting)(struct speaker *, char *out);
    enum outcome (*welcome)(struct speaker *, const char *in, size_t length, size_t *used);
    size_t (*request)(struct speaker *, char *out);
    enum outcome (*reply)(struct speaker *, const char *in, size_t length, size_t *used);
};

extern const struct protocol PROTOCOLS[];   /* ends with a name of NULL */

/* Ends the program when there is none of this name. */
const struct protocol *find_protocol(const char *name);

/* messages.c */
void messages_start(uint64_t seed);
const char *random_tag(void);
/* Write a text of MESSAGE_BYTES that no other call has written, ending in "#tag". No NUL follows. */
void write_message(char *out, uint32_t serial, const char *tag);

/* Latencies in nanoseconds, exact to 0.8 %, in a fixed amount of memory. */
void histogram_add(uint64_t ns);
uint64_t histogram_count(void);
uint64_t histogram_max(void);
uint64_t histogram_quantile(double quantile);

#endif
