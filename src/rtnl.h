/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rtnetlink: requests with ack and extended-ack text, dumps, nsids, the event socket. Layer 1.
 * Requests block (the kernel works inside send()), so they belong on workers. libnl builds and
 * takes apart messages; sending and receiving are ours, because nl_recvmsgs() reports a dump that
 * failed as an empty one (libnl 3.7; FACTS 0.1) and cannot carry the nsid (FACTS 0.2). */
#ifndef NETNSD_RTNL_H
#define NETNSD_RTNL_H

#include "error.h"

#include <ev.h>
#include <linux/netlink.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

struct rtnl;

/* A blocking NETLINK_ROUTE socket in the calling thread's network namespace, with strict checking,
 * extended and capped acks. One thread at a time. */
int rtnl_open(struct rtnl **ret);
void rtnl_close(struct rtnl *r); /* NULL is fine */
void rtnl_closep(struct rtnl **r);

/* Starts a message: type RTM_*, flags besides NLM_F_REQUEST. NULL: no memory. */
struct nl_msg *rtnl_message(uint16_t type, uint16_t flags, const void *header, size_t header_length);

/* Sends and waits for the ack. On failure *err holds the kernel's extended-ack text if there was
 * one, else the errno's. The message stays the caller's. 0 or -errno. */
int rtnl_talk(struct rtnl *r, struct nl_msg *msg, struct error *err);

/* Called for each message of an answer; after non-zero it is not called again, and that is returned. */
typedef int rtnl_message_fn(const struct nlmsghdr *h, void *data);

/* One request, one answer (RTM_GETLINK by name ...). */
int rtnl_get(struct rtnl *r, struct nl_msg *msg, rtnl_message_fn *fn, void *data, struct error *err);
/* A dump; NLM_F_DUMP is added. Reads the errno in NLMSG_DONE. `begin` is called before each try, since
 * an interrupted dump (NLM_F_DUMP_INTR) is done again up to 5 times, then -EAGAIN. Always read to its
 * end, so that the socket is free for the next one; except after -ENOBUFS (the kernel had no memory), when
 * the socket is of no more use: close it. */
int rtnl_dump(struct rtnl *r, struct nl_msg *msg, void (*begin)(void *data), rtnl_message_fn *fn, void *data,
	      struct error *err);

/* ifindex of a link by name (also alternative names), or -ENODEV. */
int rtnl_ifindex(struct rtnl *r, const char *name, int *ret);

/* nsid of the namespace behind ns_fd as seen from r's namespace; NETNSA_NSID_NOT_ASSIGNED (-1). */
int rtnl_nsid_get(struct rtnl *r, int ns_fd, int *ret, struct error *err);
int rtnl_nsid_set(struct rtnl *r, int ns_fd, int nsid, struct error *err); /* -EEXIST: has one, or id taken */
int rtnl_nsid_dump(struct rtnl *r, void (*fn)(int nsid, void *data), void *data, struct error *err);

/* Events on the loop: of the loop's own namespace, or also of all namespaces that have an nsid in it.
 * The callbacks may stop the monitor, but not free the memory it is embedded in. */
#define RTNL_OWN_NAMESPACE (-1)

struct rtnl_monitor_setup {
	uint32_t groups;       /* bit N-1: RTNLGRP N */
	bool all_namespaces;   /* NETLINK_LISTEN_ALL_NSID: needs CAP_NET_BROADCAST, else -EPERM */
	size_t receive_buffer; /* bytes; a limit, not a reservation, and the kernel doubles it; 0: 64 MiB */
	void (*event)(const struct nlmsghdr *h, int nsid, void *data); /* nsid or RTNL_OWN_NAMESPACE */
	void (*overrun)(void *data); /* the queue was emptied, events were lost: dump */
	void *data;
};

struct rtnl_monitor {
	ev_io io;
	ev_timer pause;
	unsigned errors; /* of reading, one after the other */
	struct ev_loop *loop;
	int fd;	   /* -1: stopped */
	bool lost; /* an overrun was seen and the queue is being emptied */
	char *buffer;
	struct rtnl_monitor_setup setup;
};
int rtnl_monitor_start(struct rtnl_monitor *m, struct ev_loop *loop, const struct rtnl_monitor_setup *setup);
/* Handles at once what is in the queue: the kernel puts an event there before the call that caused it
 * returns, so that afterwards all is known that happened before. Not from within a callback. */
void rtnl_monitor_drain(struct rtnl_monitor *m);
void rtnl_monitor_stop(struct rtnl_monitor *m);

#endif
