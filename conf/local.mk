# An example among the documents: make install never touches a configuration that is in use.
dist_doc_DATA += conf/kurrentgate.conf
