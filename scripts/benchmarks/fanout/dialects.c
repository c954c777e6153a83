/* What each server with followers speaks, as one table at the end of the file. Knows no sockets. */
#define _GNU_SOURCE
#include "fanout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- ttweet ---- */

static size_t ttweet_follow(char *out, uint32_t number, const char *tag, long after)
{
    (void)number;
    if (after < 0)
        return (size_t)sprintf(out, "[\"s\",{\"tags\":[\"%s\"]}]\n", tag);
    return (size_t)sprintf(out, "[\"s\",{\"after\":%ld}]\n", after);    /* history is read with all its tags */
}

static size_t ttweet_publish(char *out, uint32_t serial, const char *tag)
{
    size_t at = (size_t)sprintf(out, "[\"u\",\"");
    write_message(out + at, serial, tag);
    at += MESSAGE_BYTES;
    return at + (size_t)sprintf(out + at, "\"]\n");
}

static enum item ttweet_read(const char *in, size_t length, size_t *used)
{
    *used = line_length(in, length);
    if (*used == 0)
        return PARTIAL;
    if (starts(in, *used, "[\"m\""))
        return DELIVERY;
    if (starts(in, *used, "[\"e\""))
        return FOLLOWING;
    if (starts(in, *used, "[\"ok\",{\"id\""))
        return ACKNOWLEDGEMENT;
    return starts(in, *used, "[\"err\"") ? FAILURE : OTHER;
}

/* ---- ttweet over HTTP: server-sent events. The publisher speaks the framed protocol, to a port of its own ---- */

static size_t sse_follow(char *out, uint32_t number, const char *tag, long after)
{
    (void)number;
    int at = after < 0 ? sprintf(out, "GET /tags/%s.sse HTTP/1.1\r\n", tag)
                       : sprintf(out, "GET /tweets.sse?after=%ld HTTP/1.1\r\n", after);
    return (size_t)at + (size_t)sprintf(out + at, "Host: 127.0.0.1\r\n\r\n");
}

static enum item sse_event(const char *data, size_t length)
{
    if (starts(data, length, "id: "))
        return DELIVERY;
    return starts(data, length, "event: live") ? FOLLOWING : OTHER;
}

static enum item sse_read(const char *in, size_t length, size_t *used)
{
    if (in[0] == '[')
        return ttweet_read(in, length, used);
    if (in[0] == 'H') {
        const char *end = memmem(in, length, "\r\n\r\n", 4);
        *used = end ? (size_t)(end - in) + 4 : 0;
        return !end ? PARTIAL : starts(in, length, "HTTP/1.1 200") ? OTHER : FAILURE;
    }
    size_t head = line_length(in, length);
    size_t chunk = head ? strtoul(in, NULL, 16) : 0;
    *used = head + chunk + 2;
    if (head == 0 || *used > length)
        return PARTIAL;
    return chunk == 0 ? FAILURE : sse_event(in + head, chunk);
}

/* ---- Redis pub/sub, RESP 2 ---- */

static size_t redis_follow(char *out, uint32_t number, const char *tag, long after)
{
    (void)number, (void)after;
    return (size_t)sprintf(out, "*2\r\n$9\r\nSUBSCRIBE\r\n$%zu\r\n%s\r\n", strlen(tag), tag);
}

static size_t redis_publish(char *out, uint32_t serial, const char *tag)
{
    size_t at = (size_t)sprintf(out, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%d\r\n", strlen(tag), tag, MESSAGE_BYTES);
    write_message(out + at, serial, tag);
    at += MESSAGE_BYTES;
    return at + (size_t)sprintf(out + at, "\r\n");
}

/* Length of an array of bulk strings and integers; 0 when it is not all there. */
static size_t redis_array_length(const char *in, size_t length)
{
    size_t at = line_length(in, length);
    for (long i = at ? strtol(in + 1, NULL, 10) : 0; i > 0; i--) {
        size_t head = at < length ? line_length(in + at, length - at) : 0;
        if (head == 0)
            return 0;
        at += head + (in[at] == '$' ? (size_t)strtol(in + at + 1, NULL, 10) + 2 : 0);
    }
    return at <= length ? at : 0;
}

static enum item redis_read(const char *in, size_t length, size_t *used)
{
    if (in[0] != '*') {
        *used = line_length(in, length);
        return *used == 0 ? PARTIAL : in[0] == ':' ? ACKNOWLEDGEMENT : FAILURE;
    }
    *used = redis_array_length(in, length);
    if (*used == 0)
        return PARTIAL;
    return starts(in, *used, "*3\r\n$7\r\nmessage") ? DELIVERY : FOLLOWING;
}

/* ---- MQTT 3.1.1, QoS 0 ---- */

static size_t mqtt_connect(char *out, uint32_t number)
{
    static const char head[] = "\x10\x00\x00\x04MQTT\x04\x02\x00\x00\x00";     /* clean session, no keep-alive */
    size_t at = sizeof head - 1;
    memcpy(out, head, at);
    size_t id_bytes = (size_t)sprintf(out + at + 1, "fan%u", number);
    out[at] = (char)id_bytes;
    out[1] = (char)(at - 2 + 1 + id_bytes);
    return at + 1 + id_bytes;
}

static size_t mqtt_topic(char *out, const char *tag)
{
    size_t bytes = (size_t)sprintf(out + 2, "tweets/%s", tag);
    out[0] = 0;
    out[1] = (char)bytes;
    return 2 + bytes;
}

static size_t mqtt_follow(char *out, uint32_t number, const char *tag, long after)
{
    (void)after;
    size_t at = mqtt_connect(out, number);
    char *subscribe = out + at;
    size_t topic = mqtt_topic(subscribe + 4, tag);
    subscribe[0] = (char)0x82;
    subscribe[1] = (char)(2 + topic + 1);
    subscribe[2] = 0, subscribe[3] = 1;         /* packet id */
    subscribe[4 + topic] = 0;                   /* QoS */
    return at + 4 + topic + 1;
}

static size_t mqtt_publish(char *out, uint32_t serial, const char *tag)
{
    char topic[64];
    size_t topic_bytes = mqtt_topic(topic, tag);
    size_t rest = topic_bytes + MESSAGE_BYTES, at = 0;  /* under 2^14: two bytes of length at most */
    out[at++] = 0x30;
    if (rest > 127)
        out[at++] = (char)(rest % 128 | 0x80);
    out[at++] = (char)(rest > 127 ? rest / 128 : rest);
    memcpy(out + at, topic, topic_bytes);
    write_message(out + at + topic_bytes, serial, tag);
    return at + rest;
}

static enum item mqtt_read(const char *in, size_t length, size_t *used)
{
    const unsigned char *bytes = (const unsigned char *)in;
    if (length < 2 || (bytes[1] > 127 && length < 3))
        return PARTIAL;
    *used = bytes[1] > 127 ? 3 + (bytes[1] & 127u) + 128u * bytes[2] : 2u + bytes[1];
    if (*used > length)
        return PARTIAL;
    switch (bytes[0] >> 4) {
    case 2: return bytes[3] == 0 ? OTHER : FAILURE;             /* CONNACK */
    case 3: return DELIVERY;
    case 9: return bytes[4] < 3 ? FOLLOWING : FAILURE;          /* SUBACK */
    default: return FAILURE;
    }
}

const struct dialect DIALECTS[] = {
    {"ttweet", true, NULL, ttweet_follow, ttweet_publish, ttweet_read},
    {"sse", true, NULL, sse_follow, ttweet_publish, sse_read},
    {"redis", true, NULL, redis_follow, redis_publish, redis_read},
    {"mqtt", false, mqtt_connect, mqtt_follow, mqtt_publish, mqtt_read},
    {NULL, false, NULL, NULL, NULL, NULL},
};
