# sources and rules of conf/
