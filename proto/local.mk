# sources and rules of proto/
