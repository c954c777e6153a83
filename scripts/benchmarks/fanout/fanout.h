/* Followers and their publisher over TCP: what the two parts share.
 *
 * fanout.c    sockets, clock, figures; knows no protocol
 * dialects.c  what each server speaks, as one table; knows no sockets
 *
 * The messages and the histogram are those of the load generator.
 */
#ifndef FANOUT_H
#define FANOUT_H

#include "../loadgen/loadgen.h"

/* What stands at the front of the bytes that came in. */
enum item {
    PARTIAL,            /* wait for more bytes */
    FOLLOWING,          /* the follower has all there was and hears of what is new */
    DELIVERY,           /* one message */
    ACKNOWLEDGEMENT,    /* of the publisher's oldest message without one */
    OTHER,              /* something else; skip it */
    FAILURE,
};

struct dialect {
    const char *name;
    bool acknowledges;
    size_t (*greeting)(char *out, uint32_t number);     /* of the publisher; NULL for none */
    /* Open a conversation and follow a tag, where the server has a log after an id; below 0 only what is new. */
    size_t (*follow)(char *out, uint32_t number, const char *tag, long after);
    size_t (*publish)(char *out, uint32_t serial, const char *tag);
    enum item (*read)(const char *in, size_t length, size_t *used);
};

extern const struct dialect DIALECTS[];     /* ends with a name of NULL */

#endif
