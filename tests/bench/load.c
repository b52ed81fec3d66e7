/*
 * A load generator for QMP, or for any server that greets and answers a line with a line.
 *
 *     load DEPTH MILLISECONDS REQUEST SOCKET...
 *
 * Connects to every unix socket, reads the greeting, negotiates, and keeps DEPTH requests in flight
 * on each of them. After a tenth of the time, which warms up, it measures for the whole of it, and
 * prints: requests per second, and the median and the 99th percentile of the time from a request to
 * the end of its reply, in microseconds. Exit status 1, with a reason, if anything goes wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 1024, MAX_DEPTH = 256, MAX_SAMPLES = 1 << 22, BUFFER = 1 << 18 };

struct client {
    int fd;
    uint64_t sent[MAX_DEPTH]; /* when each request in flight was sent: a ring */
    unsigned oldest, in_flight;
};

static struct client clients[MAX_CLIENTS];
static struct pollfd polled[MAX_CLIENTS];
static uint32_t samples[MAX_SAMPLES]; /* nanoseconds */
static char buffer[BUFFER], *requests;
static size_t request_length;
static long count;
static int measuring;

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "end of file");
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static size_t receive(int fd)
{
    ssize_t got = recv(fd, buffer, BUFFER, 0);
    if (got <= 0) {
        errno = got ? errno : 0;
        fail("recv");
    }
    return got;
}

static void transmit(int fd, const char *data, size_t length)
{
    while (length) {
        ssize_t done = send(fd, data, length, MSG_NOSIGNAL);
        if (done < 0)
            fail("send");
        data += done;
        length -= done;
    }
}

static unsigned lines_in(size_t length)
{
    unsigned lines = 0;
    const char *at = buffer, *end = buffer + length;
    while ((at = memchr(at, '\n', end - at))) {
        lines++;
        at++;
    }
    return lines;
}

static void skip_line(int fd)
{
    while (!lines_in(receive(fd)))
        ;
}

static void join(struct client *client, const char *path)
{
    static const char hello[] = "{\"execute\": \"qmp_capabilities\"}\n";
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof address))
        fail(path);
    skip_line(client->fd);
    transmit(client->fd, hello, sizeof hello - 1);
    skip_line(client->fd);
}

static void ask(struct client *client, unsigned how_many)
{
    uint64_t at = now();
    for (unsigned i = 0; i < how_many; i++)
        client->sent[(client->oldest + client->in_flight++) % MAX_DEPTH] = at;
    transmit(client->fd, requests, request_length * how_many);
}

static void take(struct client *client, unsigned replies)
{
    uint64_t at = now();
    while (replies--) {
        uint64_t took = at - client->sent[client->oldest];
        client->oldest = (client->oldest + 1) % MAX_DEPTH;
        client->in_flight--;
        if (measuring && count < MAX_SAMPLES)
            samples[count++] = took > UINT32_MAX ? UINT32_MAX : took;
    }
}

/* Keep every client busy for this long; without waiting for what is in flight at the end. */
static void drive(int how_many, uint64_t duration)
{
    uint64_t end = now() + duration;
    while (now() < end) {
        if (how_many > 1 && poll(polled, how_many, 1000) < 0)
            fail("poll");
        for (int i = 0; i < how_many; i++) {
            if (how_many > 1 && !polled[i].revents)
                continue;
            unsigned replies = lines_in(receive(clients[i].fd));
            take(&clients[i], replies);
            if (replies)
                ask(&clients[i], replies);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(uint64_t duration)
{
    if (!count) {
        errno = ETIMEDOUT;
        fail("no reply");
    }
    qsort(samples, count, sizeof *samples, by_size);
    printf("%.0f %.3f %.3f\n", count * 1e9 / duration, samples[count / 2] / 1e3,
           samples[count - 1 - count / 100] / 1e3);
}

int main(int argc, char **argv)
{
    int how_many = argc - 4;
    if (how_many < 1 || how_many > MAX_CLIENTS || atoi(argv[1]) < 1 || atoi(argv[1]) > MAX_DEPTH) {
        fprintf(stderr, "usage: load DEPTH MILLISECONDS REQUEST SOCKET...\n");
        return 2;
    }
    unsigned depth = atoi(argv[1]);
    uint64_t duration = strtoull(argv[2], NULL, 10) * 1000000u;

    request_length = strlen(argv[3]) + 1;
    requests = malloc(request_length * depth + 1);
    for (unsigned i = 0; i < depth; i++)
        sprintf(requests + i * request_length, "%s\n", argv[3]);
    for (int i = 0; i < how_many; i++) {
        join(&clients[i], argv[4 + i]);
        polled[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
    }
    for (int i = 0; i < how_many; i++)
        ask(&clients[i], depth);
    drive(how_many, duration / 10);
    measuring = 1;
    uint64_t began = now();
    drive(how_many, duration);
    report(now() - began);
    return 0;
}
