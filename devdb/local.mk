# sources and rules of devdb/
