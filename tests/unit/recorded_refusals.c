/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals of V2 as servers gave them: the trailer grpc-status-details-bin, byte for byte, by the
 * id of the probe that was recorded. */
#include "tests/unit/recorded_refusals.h"

#include <check.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

static const struct recorded {
	const char *server; /* version */
	const char *probe;
	int code;
	const char *text;
	const char *details; /* base64 */
} recordings[] = {
	{ "26.1.0", "D.session.matrix.one.no_stream", 9,
	    "Append failed due to a revision conflict on stream 'gt-69d174ef-D_sessio"
	    "n_matrix_one_no_stream-s'. Expected revision: -1. Actual revision: 0.",
	    "CAkSjQFBcHBlbmQgZmFpbGVkIGR1ZSB0byBhIHJldmlzaW9uIGNvbmZsaWN0IG9uIHN0cmVh"
	    "bSAnZ3QtNjlkMTc0ZWYtRF9zZXNzaW9uX21hdHJpeF9vbmVfbm9fc3RyZWFtLXMnLiBFeHBl"
	    "Y3RlZCByZXZpc2lvbjogLTEuIEFjdHVhbCByZXZpc2lvbjogMC4aTwoodHlwZS5nb29nbGVh"
	    "cGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIjChhTVFJFQU1fUkVWSVNJT05fQ09ORkxJ"
	    "Q1QSB3N0cmVhbXMajwEKW3R5cGUuZ29vZ2xlYXBpcy5jb20va3VycmVudGRiLnByb3RvY29s"
	    "LnYyLnN0cmVhbXMuZXJyb3JzLlN0cmVhbVJldmlzaW9uQ29uZmxpY3RFcnJvckRldGFpbHMS"
	    "MAosZ3QtNjlkMTc0ZWYtRF9zZXNzaW9uX21hdHJpeF9vbmVfbm9fc3RyZWFtLXMQAQ==" },
	{ "26.1.0", "D.session.matrix.never.exists", 9,
	    "Append failed due to a revision conflict on stream 'gt-69d174ef-D_sessio"
	    "n_matrix_never_exists-s'. Expected revision: -4. Actual revision: -1.",
	    "CAkSjQFBcHBlbmQgZmFpbGVkIGR1ZSB0byBhIHJldmlzaW9uIGNvbmZsaWN0IG9uIHN0cmVh"
	    "bSAnZ3QtNjlkMTc0ZWYtRF9zZXNzaW9uX21hdHJpeF9uZXZlcl9leGlzdHMtcycuIEV4cGVj"
	    "dGVkIHJldmlzaW9uOiAtNC4gQWN0dWFsIHJldmlzaW9uOiAtMS4aTwoodHlwZS5nb29nbGVh"
	    "cGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIjChhTVFJFQU1fUkVWSVNJT05fQ09ORkxJ"
	    "Q1QSB3N0cmVhbXMakAEKW3R5cGUuZ29vZ2xlYXBpcy5jb20va3VycmVudGRiLnByb3RvY29s"
	    "LnYyLnN0cmVhbXMuZXJyb3JzLlN0cmVhbVJldmlzaW9uQ29uZmxpY3RFcnJvckRldGFpbHMS"
	    "MQorZ3QtNjlkMTc0ZWYtRF9zZXNzaW9uX21hdHJpeF9uZXZlcl9leGlzdHMtcxAHGAE=" },
	{ "26.1.0", "D.session.matrix.never.0", 9,
	    "Append failed due to a revision conflict on stream 'gt-69d174ef-D_sessio"
	    "n_matrix_never_0-s'. Expected revision: 0. Actual revision: -1.",
	    "CAkShwFBcHBlbmQgZmFpbGVkIGR1ZSB0byBhIHJldmlzaW9uIGNvbmZsaWN0IG9uIHN0cmVh"
	    "bSAnZ3QtNjlkMTc0ZWYtRF9zZXNzaW9uX21hdHJpeF9uZXZlcl8wLXMnLiBFeHBlY3RlZCBy"
	    "ZXZpc2lvbjogMC4gQWN0dWFsIHJldmlzaW9uOiAtMS4aTwoodHlwZS5nb29nbGVhcGlzLmNv"
	    "bS9nb29nbGUucnBjLkVycm9ySW5mbxIjChhTVFJFQU1fUkVWSVNJT05fQ09ORkxJQ1QSB3N0"
	    "cmVhbXMaiQEKW3R5cGUuZ29vZ2xlYXBpcy5jb20va3VycmVudGRiLnByb3RvY29sLnYyLnN0"
	    "cmVhbXMuZXJyb3JzLlN0cmVhbVJldmlzaW9uQ29uZmxpY3RFcnJvckRldGFpbHMSKgomZ3Qt"
	    "NjlkMTc0ZWYtRF9zZXNzaW9uX21hdHJpeF9uZXZlcl8wLXMYAQ==" },
	{ "26.1.0", "D.session.matrix.tombstoned.no_stream", 9,
	    "Stream 'gt-69d174ef-D_session_matrix_tombstoned_no_stream-s' has been to"
	    "mbstoned. It has been permanently removed from the system and cannot be "
	    "restored.",
	    "CAkSmQFTdHJlYW0gJ2d0LTY5ZDE3NGVmLURfc2Vzc2lvbl9tYXRyaXhfdG9tYnN0b25lZF9u"
	    "b19zdHJlYW0tcycgaGFzIGJlZW4gdG9tYnN0b25lZC4gSXQgaGFzIGJlZW4gcGVybWFuZW50"
	    "bHkgcmVtb3ZlZCBmcm9tIHRoZSBzeXN0ZW0gYW5kIGNhbm5vdCBiZSByZXN0b3JlZC4aSAoo"
	    "dHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIcChFTVFJFQU1fVE9N"
	    "QlNUT05FRBIHc3RyZWFtcxqOAQpVdHlwZS5nb29nbGVhcGlzLmNvbS9rdXJyZW50ZGIucHJv"
	    "dG9jb2wudjIuc3RyZWFtcy5lcnJvcnMuU3RyZWFtVG9tYnN0b25lZEVycm9yRGV0YWlscxI1"
	    "CjNndC02OWQxNzRlZi1EX3Nlc3Npb25fbWF0cml4X3RvbWJzdG9uZWRfbm9fc3RyZWFtLXM=" },
	{ "26.1.0", "D.session.matrix.soft-deleted.exists", 9,
	    "Stream 'gt-69d174ef-D_session_matrix_soft_deleted_exists-s' has been tom"
	    "bstoned. It has been permanently removed from the system and cannot be r"
	    "estored.",
	    "CAkSmAFTdHJlYW0gJ2d0LTY5ZDE3NGVmLURfc2Vzc2lvbl9tYXRyaXhfc29mdF9kZWxldGVk"
	    "X2V4aXN0cy1zJyBoYXMgYmVlbiB0b21ic3RvbmVkLiBJdCBoYXMgYmVlbiBwZXJtYW5lbnRs"
	    "eSByZW1vdmVkIGZyb20gdGhlIHN5c3RlbSBhbmQgY2Fubm90IGJlIHJlc3RvcmVkLhpICih0"
	    "eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJbmZvEhwKEVNUUkVBTV9UT01C"
	    "U1RPTkVEEgdzdHJlYW1zGo0BClV0eXBlLmdvb2dsZWFwaXMuY29tL2t1cnJlbnRkYi5wcm90"
	    "b2NvbC52Mi5zdHJlYW1zLmVycm9ycy5TdHJlYW1Ub21ic3RvbmVkRXJyb3JEZXRhaWxzEjQK"
	    "Mmd0LTY5ZDE3NGVmLURfc2Vzc2lvbl9tYXRyaXhfc29mdF9kZWxldGVkX2V4aXN0cy1z" },
	{ "26.1.0", "D.session.same-stream-twice", 10,
	    "Stream 'gt-69d174ef-D_session_same_stream_twice-s' already has a differe"
	    "nt group of messages in this session. Appends for the same stream must c"
	    "urrently be grouped together and not interleaved with appends for other "
	    "streams.",
	    "CAoS4AFTdHJlYW0gJ2d0LTY5ZDE3NGVmLURfc2Vzc2lvbl9zYW1lX3N0cmVhbV90d2ljZS1z"
	    "JyBhbHJlYWR5IGhhcyBhIGRpZmZlcmVudCBncm91cCBvZiBtZXNzYWdlcyBpbiB0aGlzIHNl"
	    "c3Npb24uIEFwcGVuZHMgZm9yIHRoZSBzYW1lIHN0cmVhbSBtdXN0IGN1cnJlbnRseSBiZSBn"
	    "cm91cGVkIHRvZ2V0aGVyIGFuZCBub3QgaW50ZXJsZWF2ZWQgd2l0aCBhcHBlbmRzIGZvciBv"
	    "dGhlciBzdHJlYW1zLhpXCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJ"
	    "bmZvEisKIFNUUkVBTV9BTFJFQURZX0lOX0FQUEVORF9TRVNTSU9OEgdzdHJlYW1zGpABCmF0"
	    "eXBlLmdvb2dsZWFwaXMuY29tL2t1cnJlbnRkYi5wcm90b2NvbC52Mi5zdHJlYW1zLmVycm9y"
	    "cy5TdHJlYW1BbHJlYWR5SW5BcHBlbmRTZXNzaW9uRXJyb3JEZXRhaWxzEisKKWd0LTY5ZDE3"
	    "NGVmLURfc2Vzc2lvbl9zYW1lX3N0cmVhbV90d2ljZS1z" },
	{ "26.1.0", "D.session.stream.empty", 3,
	    "The 'AppendRequest' is invalid: Stream must not be empty.",
	    "CAMSOVRoZSAnQXBwZW5kUmVxdWVzdCcgaXMgaW52YWxpZDogU3RyZWFtIG11c3Qgbm90IGJl"
	    "IGVtcHR5LhpBCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJbmZvEhUK"
	    "C0JBRF9SRVFVRVNUEgZzZXJ2ZXIaWQopdHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBj"
	    "LkJhZFJlcXVlc3QSLAoqCg1TdHJlYW0uU3RyZWFtEhlTdHJlYW0gbXVzdCBub3QgYmUgZW1w"
	    "dHku" },
	{ "26.1.0", "D.records.written.one.2", 9,
	    "Append failed due to consistency violations.\n\n - Stream 'gt-69d174ef-D_r"
	    "ecords_written_one_2-s' is at revision 0, expected revision 2.",
	    "CAkShgFBcHBlbmQgZmFpbGVkIGR1ZSB0byBjb25zaXN0ZW5jeSB2aW9sYXRpb25zLgoKIC0g"
	    "U3RyZWFtICdndC02OWQxNzRlZi1EX3JlY29yZHNfd3JpdHRlbl9vbmVfMi1zJyBpcyBhdCBy"
	    "ZXZpc2lvbiAwLCBleHBlY3RlZCByZXZpc2lvbiAyLhpTCih0eXBlLmdvb2dsZWFwaXMuY29t"
	    "L2dvb2dsZS5ycGMuRXJyb3JJbmZvEicKHEFQUEVORF9DT05TSVNURU5DWV9WSU9MQVRJT04S"
	    "B3N0cmVhbXMakAEKX3R5cGUuZ29vZ2xlYXBpcy5jb20va3VycmVudGRiLnByb3RvY29sLnYy"
	    "LnN0cmVhbXMuZXJyb3JzLkFwcGVuZENvbnNpc3RlbmN5VmlvbGF0aW9uRXJyb3JEZXRhaWxz"
	    "Ei0KKxIpCiVndC02OWQxNzRlZi1EX3JlY29yZHNfd3JpdHRlbl9vbmVfMi1zEAQ=" },
	{ "26.1.0", "D.records.multi.all-violated", 9,
	    "Append failed due to consistency violations.\n\n - Stream 'gt-69d174ef-D_r"
	    "ecords_multi_all_violated-deleted' is deleted.\n - Stream 'gt-69d174ef-D_"
	    "records_multi_all_violated-tomb' is tombstoned.\n - Stream 'gt-69d174ef-D"
	    "_records_multi_all_violated-missing' does not exist, expected revision 1"
	    "0.\n - Stream 'gt-69d174ef-D_records_multi_all_violated-exists' already e"
	    "xists at revision 2.",
	    "CAkS/AJBcHBlbmQgZmFpbGVkIGR1ZSB0byBjb25zaXN0ZW5jeSB2aW9sYXRpb25zLgoKIC0g"
	    "U3RyZWFtICdndC02OWQxNzRlZi1EX3JlY29yZHNfbXVsdGlfYWxsX3Zpb2xhdGVkLWRlbGV0"
	    "ZWQnIGlzIGRlbGV0ZWQuCiAtIFN0cmVhbSAnZ3QtNjlkMTc0ZWYtRF9yZWNvcmRzX211bHRp"
	    "X2FsbF92aW9sYXRlZC10b21iJyBpcyB0b21ic3RvbmVkLgogLSBTdHJlYW0gJ2d0LTY5ZDE3"
	    "NGVmLURfcmVjb3Jkc19tdWx0aV9hbGxfdmlvbGF0ZWQtbWlzc2luZycgZG9lcyBub3QgZXhp"
	    "c3QsIGV4cGVjdGVkIHJldmlzaW9uIDEwLgogLSBTdHJlYW0gJ2d0LTY5ZDE3NGVmLURfcmVj"
	    "b3Jkc19tdWx0aV9hbGxfdmlvbGF0ZWQtZXhpc3RzJyBhbHJlYWR5IGV4aXN0cyBhdCByZXZp"
	    "c2lvbiAyLhpTCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJbmZvEicK"
	    "HEFQUEVORF9DT05TSVNURU5DWV9WSU9MQVRJT04SB3N0cmVhbXMazgIKX3R5cGUuZ29vZ2xl"
	    "YXBpcy5jb20va3VycmVudGRiLnByb3RvY29sLnYyLnN0cmVhbXMuZXJyb3JzLkFwcGVuZENv"
	    "bnNpc3RlbmN5VmlvbGF0aW9uRXJyb3JEZXRhaWxzEuoBCjgSNgowZ3QtNjlkMTc0ZWYtRF9y"
	    "ZWNvcmRzX211bHRpX2FsbF92aW9sYXRlZC1kZWxldGVkEAcYCQo3CAESMwotZ3QtNjlkMTc0"
	    "ZWYtRF9yZWNvcmRzX211bHRpX2FsbF92aW9sYXRlZC10b21iEAcYCwo6CAISNgowZ3QtNjlk"
	    "MTc0ZWYtRF9yZWNvcmRzX211bHRpX2FsbF92aW9sYXRlZC1taXNzaW5nEBQYAQo5CAMSNQov"
	    "Z3QtNjlkMTc0ZWYtRF9yZWNvcmRzX211bHRpX2FsbF92aW9sYXRlZC1leGlzdHMQARgE" },
	{ "26.1.0", "D.records.multi.target-not-in-checks", 9,
	    "Append failed due to consistency violations.\n\n - Stream 'gt-69d174ef-D_r"
	    "ecords_multi_target_not_in_checks-a' does not exist, expected revision 3"
	    ".\n - Stream 'gt-69d174ef-D_records_multi_target_not_in_checks-w' is tomb"
	    "stoned.",
	    "CAkS3wFBcHBlbmQgZmFpbGVkIGR1ZSB0byBjb25zaXN0ZW5jeSB2aW9sYXRpb25zLgoKIC0g"
	    "U3RyZWFtICdndC02OWQxNzRlZi1EX3JlY29yZHNfbXVsdGlfdGFyZ2V0X25vdF9pbl9jaGVj"
	    "a3MtYScgZG9lcyBub3QgZXhpc3QsIGV4cGVjdGVkIHJldmlzaW9uIDMuCiAtIFN0cmVhbSAn"
	    "Z3QtNjlkMTc0ZWYtRF9yZWNvcmRzX211bHRpX3RhcmdldF9ub3RfaW5fY2hlY2tzLXcnIGlz"
	    "IHRvbWJzdG9uZWQuGlMKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5FcnJvcklu"
	    "Zm8SJwocQVBQRU5EX0NPTlNJU1RFTkNZX1ZJT0xBVElPThIHc3RyZWFtcxrdAQpfdHlwZS5n"
	    "b29nbGVhcGlzLmNvbS9rdXJyZW50ZGIucHJvdG9jb2wudjIuc3RyZWFtcy5lcnJvcnMuQXBw"
	    "ZW5kQ29uc2lzdGVuY3lWaW9sYXRpb25FcnJvckRldGFpbHMSego6EjgKMmd0LTY5ZDE3NGVm"
	    "LURfcmVjb3Jkc19tdWx0aV90YXJnZXRfbm90X2luX2NoZWNrcy1hEAYYAQo8CAESOAoyZ3Qt"
	    "NjlkMTc0ZWYtRF9yZWNvcmRzX211bHRpX3RhcmdldF9ub3RfaW5fY2hlY2tzLXcQAxgL" },
	{ "26.1.0", "D.alphabet.ascii-control", 3,
	    "The 'AppendRequest' is invalid: Schema name can only contain unicode let"
	    "ters, digits, underscores, dashes, periods, colons, and dollar signs. At"
	    "tempted Value: A\0b",
	    "CAMSogFUaGUgJ0FwcGVuZFJlcXVlc3QnIGlzIGludmFsaWQ6IFNjaGVtYSBuYW1lIGNhbiBv"
	    "bmx5IGNvbnRhaW4gdW5pY29kZSBsZXR0ZXJzLCBkaWdpdHMsIHVuZGVyc2NvcmVzLCBkYXNo"
	    "ZXMsIHBlcmlvZHMsIGNvbG9ucywgYW5kIGRvbGxhciBzaWducy4gQXR0ZW1wdGVkIFZhbHVl"
	    "OiBBAGIaQQoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIVCgtC"
	    "QURfUkVRVUVTVBIGc2VydmVyGsMBCil0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMu"
	    "QmFkUmVxdWVzdBKVAQqSAQoLU2NoZW1hLk5hbWUSggFTY2hlbWEgbmFtZSBjYW4gb25seSBj"
	    "b250YWluIHVuaWNvZGUgbGV0dGVycywgZGlnaXRzLCB1bmRlcnNjb3JlcywgZGFzaGVzLCBw"
	    "ZXJpb2RzLCBjb2xvbnMsIGFuZCBkb2xsYXIgc2lnbnMuIEF0dGVtcHRlZCBWYWx1ZTogQQBi" },
	{ "25.1.4", "D.alphabet.ascii-control", 3,
	    "The 'AppendRequest' is invalid: Schema name can only contain alphanumeri"
	    "c characters, underscores, dashes, periods, colons, and dollar signs. At"
	    "tempted Value: A\0b",
	    "CAMSogFUaGUgJ0FwcGVuZFJlcXVlc3QnIGlzIGludmFsaWQ6IFNjaGVtYSBuYW1lIGNhbiBv"
	    "bmx5IGNvbnRhaW4gYWxwaGFudW1lcmljIGNoYXJhY3RlcnMsIHVuZGVyc2NvcmVzLCBkYXNo"
	    "ZXMsIHBlcmlvZHMsIGNvbG9ucywgYW5kIGRvbGxhciBzaWducy4gQXR0ZW1wdGVkIFZhbHVl"
	    "OiBBAGIaQQoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIVCgtC"
	    "QURfUkVRVUVTVBIGc2VydmVyGs8BCil0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMu"
	    "QmFkUmVxdWVzdBKhAQqeAQoXU2NoZW1hLk5hbWUuU2NoZW1hIG5hbWUSggFTY2hlbWEgbmFt"
	    "ZSBjYW4gb25seSBjb250YWluIGFscGhhbnVtZXJpYyBjaGFyYWN0ZXJzLCB1bmRlcnNjb3Jl"
	    "cywgZGFzaGVzLCBwZXJpb2RzLCBjb2xvbnMsIGFuZCBkb2xsYXIgc2lnbnMuIEF0dGVtcHRl"
	    "ZCBWYWx1ZTogQQBi" },
	{ "26.1.0", "D.records.size.record.above", 3,
	    "The size of record 462edfc4-a223-431f-8715-6ed66d5c15fa (1.000 MB) excee"
	    "ds the maximum allowed size of 1.000 MB bytes by 1.000 B",
	    "CAMSgAFUaGUgc2l6ZSBvZiByZWNvcmQgNDYyZWRmYzQtYTIyMy00MzFmLTg3MTUtNmVkNjZk"
	    "NWMxNWZhICgxLjAwMCBNQikgZXhjZWVkcyB0aGUgbWF4aW11bSBhbGxvd2VkIHNpemUgb2Yg"
	    "MS4wMDAgTUIgYnl0ZXMgYnkgMS4wMDAgQhpSCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2ds"
	    "ZS5ycGMuRXJyb3JJbmZvEiYKG0FQUEVORF9SRUNPUkRfU0laRV9FWENFRURFRBIHc3RyZWFt"
	    "cxq6AQpddHlwZS5nb29nbGVhcGlzLmNvbS9rdXJyZW50ZGIucHJvdG9jb2wudjIuc3RyZWFt"
	    "cy5lcnJvcnMuQXBwZW5kUmVjb3JkU2l6ZUV4Y2VlZGVkRXJyb3JEZXRhaWxzElkKKWd0LTQ2"
	    "MmVkZmM0LURfcmVjb3Jkc19zaXplX3JlY29yZF9hYm92ZS1zEiQ0NjJlZGZjNC1hMjIzLTQz"
	    "MWYtODcxNS02ZWQ2NmQ1YzE1ZmEYgYBAIICAQA==" },
	{ "26.1.0", "D.records.size.transaction", 10,
	    "Transaction size (4.006 MB) exceeded the maximum allowed size of 4.000 M"
	    "B by 5.973 KB, after 42 record(s).",
	    "CAoSalRyYW5zYWN0aW9uIHNpemUgKDQuMDA2IE1CKSBleGNlZWRlZCB0aGUgbWF4aW11bSBh"
	    "bGxvd2VkIHNpemUgb2YgNC4wMDAgTUIgYnkgNS45NzMgS0IsIGFmdGVyIDQyIHJlY29yZChz"
	    "KS4aVwoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIrCiBBUFBF"
	    "TkRfVFJBTlNBQ1RJT05fU0laRV9FWENFRURFRBIHc3RyZWFtcxpwCmJ0eXBlLmdvb2dsZWFw"
	    "aXMuY29tL2t1cnJlbnRkYi5wcm90b2NvbC52Mi5zdHJlYW1zLmVycm9ycy5BcHBlbmRUcmFu"
	    "c2FjdGlvblNpemVFeGNlZWRlZEVycm9yRGV0YWlscxIKCOSvgAIQgICAAg==" },
	{ "26.1.0", "H.follower.session.true", 9,
	    "The server is not the leader node and cannot handle the request. Please "
	    "retry your request against the leader node directly at 127.0.0.1:2143",
	    "CAkSjQFUaGUgc2VydmVyIGlzIG5vdCB0aGUgbGVhZGVyIG5vZGUgYW5kIGNhbm5vdCBoYW5k"
	    "bGUgdGhlIHJlcXVlc3QuIFBsZWFzZSByZXRyeSB5b3VyIHJlcXVlc3QgYWdhaW5zdCB0aGUg"
	    "bGVhZGVyIG5vZGUgZGlyZWN0bHkgYXQgMTI3LjAuMC4xOjIxNDMaRQoodHlwZS5nb29nbGVh"
	    "cGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIZCg9OT1RfTEVBREVSX05PREUSBnNlcnZl"
	    "chpzCjl0eXBlLmdvb2dsZWFwaXMuY29tL2t1cnJlbnQucnBjLk5vdExlYWRlck5vZGVFcnJv"
	    "ckRldGFpbHMSNgo0CgkxMjcuMC4wLjEQ3xAaJGY1MjgyODk2LWM3ZmYtNDA1NS1hNzBiLWIw"
	    "NGE0NmUyMDUzYQ==" },
	{ "26.1.0", "H.no-quorum.paused", 4,
	    "Operation timed out: Append session timed out while waiting for commit P"
	    "lease try again after 5 seconds.",
	    "CAQSaE9wZXJhdGlvbiB0aW1lZCBvdXQ6IEFwcGVuZCBzZXNzaW9uIHRpbWVkIG91dCB3aGls"
	    "ZSB3YWl0aW5nIGZvciBjb21taXQgUGxlYXNlIHRyeSBhZ2FpbiBhZnRlciA1IHNlY29uZHMu"
	    "GkcKKHR5cGUuZ29vZ2xlYXBpcy5jb20vZ29vZ2xlLnJwYy5FcnJvckluZm8SGwoRT1BFUkFU"
	    "SU9OX1RJTUVPVVQSBnNlcnZlchowCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMu"
	    "UmV0cnlJbmZvEgQKAggF" },
	{ "26.1.0", "D.records.stream.all", 7,
	    "Access denied. Insufficient permissions to perform streams:write:$all",
	    "CAcSRUFjY2VzcyBkZW5pZWQuIEluc3VmZmljaWVudCBwZXJtaXNzaW9ucyB0byBwZXJmb3Jt"
	    "IHN0cmVhbXM6d3JpdGU6JGFsbBpDCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMu"
	    "RXJyb3JJbmZvEhcKDUFDQ0VTU19ERU5JRUQSBnNlcnZlchpXCjh0eXBlLmdvb2dsZWFwaXMu"
	    "Y29tL2t1cnJlbnQucnBjLkFjY2Vzc0RlbmllZEVycm9yRGV0YWlscxIbChJzdHJlYW1zOndy"
	    "aXRlOiRhbGwSBWFkbWlu" },
};

/* A client keeps the trailers while it looks at the status; here they stay until the end. */
static void *details[sizeof recordings / sizeof recordings[0]];

static void __attribute__((destructor))
free_details(void)
{
	for (size_t i = 0; i < sizeof details / sizeof details[0]; i++)
		gnutls_free(details[i]);
}

static size_t
find(const char *server, const char *probe)
{
	for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++)
		if (strcmp(recordings[i].probe, probe) == 0
		    && strcmp(recordings[i].server, server) == 0)
			return i;
	ck_abort_msg("no recording %s of %s", probe, server);
}

struct kdb_status
recorded_refusal(const char *server, const char *probe)
{
	static const char key[] = "grpc-status-details-bin";
	size_t at = find(server, probe);
	const struct recorded *recorded = &recordings[at];
	gnutls_datum_t encoded = { (unsigned char *)(uintptr_t)recorded->details,
		(unsigned)strlen(recorded->details) };
	gnutls_datum_t decoded;
	struct kdb_status status;

	ck_assert_int_eq(gnutls_base64_decode2(&encoded, &decoded), 0);
	gnutls_free(details[at]);
	details[at] = decoded.data;
	kdb_status_init(&status, recorded->code, recorded->text, strlen(recorded->text));
	kdb_status_add_trailer(
	    &status, key, sizeof key - 1, decoded.data, decoded.size);
	return status;
}
