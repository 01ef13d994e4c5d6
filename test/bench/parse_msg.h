/*
 * parse_msg.h - the INVITE of S3, about 900 bytes, with every header field a
 * call is routed on. Two programs read it, so that neither parser's library
 * can shadow a symbol of the other.
 */
#ifndef BENCH_PARSE_MSG_H
#define BENCH_PARSE_MSG_H

enum { PARSE_ROUNDS = 200000 };

static const char parse_msg[] =
	"INVITE sip:+4930123456@sbc.example.com:5061;user=phone;transport=tls SIP/2.0\r\n"
	"Via: SIP/2.0/TLS 52.114.75.24:5061;branch=z9hG4bK8c7f5a1e;rport;alias\r\n"
	"Record-Route: <sip:sip-du-a-eu.pstnhub.microsoft.com:5061;transport=tls;lr>\r\n"
	"Route: <sip:sbc.example.com:5061;transport=tls;lr>\r\n"
	"Max-Forwards: 69\r\n"
	"From: \"Ada\" <sip:+4989987654@sip.pstnhub.microsoft.com;user=phone>;tag=9fd3b1a7\r\n"
	"To: <sip:+4930123456@sbc.example.com;user=phone>\r\n"
	"Call-ID: 7a1ee0dd52c85d2b9a0d4f7c3cb1a2d4\r\n"
	"CSeq: 1 INVITE\r\n"
	"Contact: <sip:api-du-a-euwe.pstnhub.microsoft.com:443;x-i=0a12;x-c=7a1e>\r\n"
	"Allow: INVITE,ACK,CANCEL,BYE,NOTIFY\r\n"
	"Supported: histinfo,timer\r\n"
	"Session-Expires: 3600;refresher=uac\r\n"
	"Min-SE: 300\r\n"
	"P-Asserted-Identity: <tel:+4989987654>\r\n"
	"Privacy: none\r\n"
	"User-Agent: Microsoft.PSTNHub.SIPProxy\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 32\r\n"
	"\r\n"
	"v=0\r\n"
	"o=- 1 1 IN IP4 1.2.3.4\r\n"
	"s=\r\n";

#endif
