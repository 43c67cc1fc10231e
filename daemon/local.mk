# sources and rules of daemon/
