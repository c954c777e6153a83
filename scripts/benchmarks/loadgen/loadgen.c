/* Connections, clock and figures of the load generator. Knows no protocol.
 *
 * One thread, epoll with edges, N connections with K requests in flight each. A connection answers
 * each reply with the next request (a closed loop); all that one read has answered is replaced by
 * one write. Only replies that come inside the measured window count. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    IN_BYTES = 64 * 1024,       /* the longest reply, a list of tags, is some 16 KiB */
    MAX_OPENING = 128,          /* connections under way at once: below every server's backlog */
    EVENTS = 256,
    SOURCES = 8,                /* source addresses, so that closed connections do not use up the ports */
};
static const double OPENING_LIMIT_S = 60, STALL_LIMIT_S = 15, DRAIN_LIMIT_S = 3;

enum state { CLOSED, CONNECTING, GREETING, READY };

struct client {
    struct speaker speaker;
    enum state state;
    int fd;
    char *in, *out;
    size_t in_bytes, out_start, out_end;
    uint64_t *sent_at;          /* a ring of in_flight entries, ns */
    uint32_t oldest, waiting;
    uint64_t opened_at;         /* ns */
};

static struct client *clients;
static int epoll;
static size_t out_capacity;
static uint32_t opening, ready;     /* connections */
static uint64_t refused, waiting;   /* replies; requests without one */
static uint64_t window_start, window_end, last_reply_at;   /* ns; a window of 0 has not begun */
static bool sending;

const char *const program = "loadgen";

/* ---- one connection ---- */

static void open_client(struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
    client->opened_at = now_ns();
    client->fd = begin_to_connect(&options.server, options.reconnect ? 1 + client->speaker.number % SOURCES : 0);
    client->in_bytes = client->out_start = client->out_end = 0;
    client->state = CONNECTING;
    opening++;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
}

static void close_client(struct client *client)
{
    close(client->fd);
    client->state = CLOSED;
    ready--;
}

static void flush(struct client *client)
{
    while (client->out_start < client->out_end) {
        ssize_t sent = send(client->fd, client->out + client->out_start, client->out_end - client->out_start, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN)
                return;     /* the next edge comes back here */
            fail("send: %s", strerror(errno));
        }
        client->out_start += (size_t)sent;
    }
    client->out_start = client->out_end = 0;
}

static char *room_for(struct client *client, size_t bytes)
{
    if (out_capacity - client->out_end < bytes) {
        memmove(client->out, client->out + client->out_start, client->out_end - client->out_start);
        client->out_end -= client->out_start;
        client->out_start = 0;
    }
    return client->out + client->out_end;
}

/* Bring the connection up to its number of requests in flight, in one write. */
static void fill(struct client *client, uint64_t now)
{
    while (sending && client->waiting < options.in_flight) {
        char *out = room_for(client, MAX_REQUEST_BYTES);
        client->speaker.serial++;
        client->out_end += options.protocol->request(&client->speaker, out);
        client->sent_at[(client->oldest + client->waiting) % options.in_flight] = options.reconnect ? client->opened_at : now;
        client->waiting++;
        waiting++;
    }
    flush(client);
}

static void become_ready(struct client *client, uint64_t now)
{
    client->state = READY;
    opening--;
    ready++;
    fill(client, now);
}

static void finish_connect(struct client *client, uint64_t now)
{
    int error = connect_error(client->fd);
    if (error)
        fail("connect to %s:%d: %s", options.host, options.port, strerror(error));
    if (options.protocol->greeting == NULL) {
        become_ready(client, now);
        return;
    }
    client->out_end = options.protocol->greeting(&client->speaker, client->out);
    client->state = GREETING;
    flush(client);
}

static void take_reply(struct client *client, bool fine, const char *in, size_t length, uint64_t now)
{
    if (client->waiting == 0)
        fail("a reply that nobody asked for: %.*s", (int)(length < 200 ? length : 200), in);
    if (!fine && refused++ == 0)
        fprintf(stderr, "loadgen: refused: %.*s\n", (int)(length < 200 ? length : 200), in);
    if (fine && window_start && now >= window_start && now < window_end)
        histogram_add(now - client->sent_at[client->oldest]);
    client->oldest = (client->oldest + 1) % options.in_flight;
    client->waiting--;
    waiting--;
    last_reply_at = now;
}

/* Look at one item at the front of the bytes; returns its length, 0 when it is not all there. */
static size_t take_item(struct client *client, const char *in, size_t length, uint64_t now)
{
    size_t used = 0;
    bool greeting = client->state == GREETING;
    enum outcome outcome = (greeting ? options.protocol->welcome : options.protocol->reply)(&client->speaker, in, length, &used);
    if (outcome == INCOMPLETE)
        return 0;
    if (greeting && outcome == REFUSED)
        fail("not welcome: %.*s", (int)used, in);
    if (greeting && outcome == ANSWERED)
        become_ready(client, now);
    if (!greeting && outcome != IGNORED)
        take_reply(client, outcome == ANSWERED, in, used, now);
    return used;
}

static void take_items(struct client *client, uint64_t now)
{
    size_t taken = 0, used;
    while (taken < client->in_bytes
           && (used = take_item(client, client->in + taken, client->in_bytes - taken, now)) > 0)
        taken += used;
    client->in_bytes -= taken;
    memmove(client->in, client->in + taken, client->in_bytes);
    if (client->speaker.urgent_bytes) {
        memcpy(room_for(client, sizeof client->speaker.urgent), client->speaker.urgent, client->speaker.urgent_bytes);
        client->out_end += client->speaker.urgent_bytes;
        client->speaker.urgent_bytes = 0;
    }
}

/* Read until the socket is empty. A short read says so: the next byte makes a new edge. */
static void receive(struct client *client, uint64_t now)
{
    for (;;) {
        size_t room = IN_BYTES - client->in_bytes;
        if (room == 0)
            fail("a reply is longer than %d bytes", IN_BYTES);
        ssize_t got = recv(client->fd, client->in + client->in_bytes, room, 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            fail("connection %u: %s", client->speaker.number, got ? strerror(errno) : "closed by the server");
        client->in_bytes += (size_t)got;
        take_items(client, now);
        if ((size_t)got < room)
            return;
    }
}

static void serve_event(struct client *client, uint32_t events)
{
    uint64_t now = now_ns();
    if (client->state == CONNECTING)
        finish_connect(client, now);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        receive(client, now);
    if (client->state != READY) {
        flush(client);
        return;
    }
    if (options.reconnect && client->waiting == 0 && client->speaker.serial > 0) {
        close_client(client);
        client->speaker.serial = 0;
        if (sending)
            open_client(client);
        return;
    }
    fill(client, now);
}

/* ---- the run ---- */

static void turn(void)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, 20);
    if (count < 0 && errno != EINTR)
        fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++)
        serve_event(events[i].data.ptr, events[i].events);
}

static void make_clients(void)
{
    out_capacity = (size_t)options.in_flight * MAX_REQUEST_BYTES + MAX_GREETING_BYTES;
    clients = calloc(options.clients, sizeof *clients);
    for (uint32_t i = 0; clients && i < options.clients; i++) {
        clients[i].speaker.number = i;
        clients[i].speaker.tag = options.tag;
        clients[i].in = malloc(IN_BYTES);
        clients[i].out = malloc(out_capacity);
        clients[i].sent_at = calloc(options.in_flight, sizeof *clients[i].sent_at);
        if (!clients[i].in || !clients[i].out || !clients[i].sent_at)
            fail("no memory for %u clients", options.clients);
    }
}

/* Open all connections and wait until the last is ready; returns the seconds that it took. */
static double open_all(void)
{
    uint64_t start = now_ns();
    for (uint32_t opened = 0; ready < options.clients;) {
        while (opened < options.clients && opening < MAX_OPENING)
            open_client(&clients[opened++]);
        turn();
        if ((double)(now_ns() - start) / 1e9 > OPENING_LIMIT_S)
            fail("%u of %u connections were ready after %.0f s", ready, options.clients, OPENING_LIMIT_S);
    }
    return (double)(now_ns() - start) / 1e9;
}

static void run_until(uint64_t end)
{
    while (now_ns() < end) {
        turn();
        if ((double)now_ns() - (double)last_reply_at > STALL_LIMIT_S * 1e9)
            fail("no reply for %.0f s", STALL_LIMIT_S);
    }
}

static void start_sending(void)
{
    sending = true;
    last_reply_at = now_ns();
    window_start = last_reply_at + (uint64_t)(options.warmup_s * 1e9);
    window_end = window_start + (uint64_t)(options.seconds * 1e9);
    for (uint32_t i = 0; i < options.clients; i++) {
        if (options.reconnect)
            open_client(&clients[i]);
        else
            fill(&clients[i], now_ns());
    }
}

static void drain(void)
{
    sending = false;
    uint64_t limit = now_ns() + (uint64_t)(DRAIN_LIMIT_S * 1e9);
    while ((waiting || opening) && now_ns() < limit)
        turn();
}

static void print_figures(double opening_s, double started, double cpu_s, double server_cpu_s)
{
    double answers = (double)histogram_count(), rate = answers / options.seconds;
    printf("{\"protocol\":\"%s\",\"clients\":%u,\"in_flight\":%u,\"opening_s\":%.6f,\"started\":%.6f,\"seconds\":%.3f,"
           "\"count\":%llu,\"refused\":%llu,\"rate\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"cpu_share\":%.3f,\"server_us\":%.3f}\n",
           options.protocol->name, options.clients, options.in_flight, opening_s, started, options.seconds,
           (unsigned long long)histogram_count(), (unsigned long long)refused, rate,
           (double)histogram_quantile(0.5) / 1e3, (double)histogram_quantile(0.99) / 1e3, (double)histogram_max() / 1e3,
           cpu_s / options.seconds, answers > 0 ? server_cpu_s * 1e6 / answers : 0);
    fflush(stdout);
}

static void measure(double opening_s)
{
    start_sending();
    run_until(window_start);
    double started = wall_seconds();
    double cpu_before = cpu_seconds(), server_before = cpu_seconds_of(options.pid);
    run_until(window_end);
    double cpu_s = cpu_seconds() - cpu_before, server_cpu_s = cpu_seconds_of(options.pid) - server_before;
    drain();
    print_figures(opening_s, started, cpu_s, server_cpu_s);
}

/* Keep the connections open until stdin ends, so that somebody can look at the server. */
static void hold(double opening_s)
{
    print_figures(opening_s, 0, 0, 0);
    while (getchar() != EOF)
        continue;
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    messages_start(now_ns() ^ (uint64_t)getpid() << 32);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    make_clients();
    double opening_s = options.reconnect ? 0 : open_all();
    if (options.hold)
        hold(opening_s);
    else
        measure(opening_s);
    return 0;
}
