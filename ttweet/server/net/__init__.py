"""What both edges use: sockets that listen, transports, TLS, places and rates."""
