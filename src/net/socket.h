/* socket.h - the bottom layer of a connection: TCP.
 *
 * It takes an os_tcp over and gives its events upwards unchanged.  Reading is stopped until the owner starts it, and no
 * event comes before an owner was set with net_layer_set_owner().
 */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "net/layer.h"
#include "os/tcp.h"

/* Makes a layer of a connected socket; the socket belongs to the layer from now on. */
struct net_layer *net_socket_new(struct os_tcp *tcp);

/* Makes a layer of an accepted descriptor on this loop; the descriptor is closed on failure. */
MUST_CHECK struct err net_socket_adopt(struct os_loop *loop, int fd, struct net_layer **ret_layer);

/* The socket under a layer that this module made; still the layer's. */
struct os_tcp *net_socket_tcp(const struct net_layer *layer);

#endif
