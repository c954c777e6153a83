"""The parts that every edge uses: sockets that listen, transports, TLS, places, deadlines and rates."""
