# sources and rules of bench/
