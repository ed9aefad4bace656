#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-only
"""RFC 9110 (HTTP semantics): every requirement on a server, a sender, a recipient, an intermediary or a gateway, in the order of
its sections up to 15, and those on a client, which we are towards providers. A sentence with several conditions is one entry for
each. Our own resources are /health, /ready, /metrics and /manage; all else is a provider's, for which we are the gateway."""
import re
import unittest

from certificates import Authority
from musts import By, Decided, Live, Musts, NotOurs, Proxy, See, get, post
from proxy_case import KEY, MANAGEMENT
from upstream import Upstream

REQUESTS, UPSTREAMS = "hostile/test_requests.py", "hostile/test_upstreams.py"
FORMS, FAULTS, RELAY, BODIES = (f"integration/test_{n}.py" for n in ("http_forms", "upstream_faults", "relay", "bodies"))
OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
DATE = re.compile(r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$")
METHODS = re.compile(r"^[A-Z]+(, [A-Z]+)*$")
GATEWAY = "a rule for proxies that a client chose; a gateway is an origin server to its clients"
RELAYED = "a user agent makes this field; we pass it on as it is"
NO_PUT = "no resource of ours takes PUT"
NO_VALIDATORS = "no resource of ours has an entity tag or a modification date"
NO_RANGES = "our resources have no ranges, and a provider's pass as they are"
NO_TUNNEL = "CONNECT is not implemented"
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket")
LONG = "/v1/" + "a" * 7990
STATUS = b'{"status":"ok"}'


def manage(path, *fields, method="GET", body=None, version="1.1"):
    sent = get(path, *fields, method=method, version=version) if body is None else post(*fields, path=path, body=body, method=method)
    return sent.replace("{token}", MANAGEMENT)


MUSTS = [
    ("2.2", "what we make matches the grammar",
     Live(get("/nobody"), 404, raw=rb"^HTTP/1\.1 404 [ -~]+\r\n([A-Za-z-]+: [ -~]+\r\n)+\r\n\{")),
    ("2.2", "nothing is made that is for other roles",
     Live(get("/health"), 200, has={"Host": None, "Via": None, "Proxy-Authenticate": None})),
    ("2.3", "lengths that we make can be read", Live(get(LONG), 200, sees={":target": LONG})),
    ("2.4", "elements mean what they are defined to mean", By("the_rest_of_this_list")),
    ("3.3", "two requests on one connection are not one user's",
     Live(get("/v1/x") + "GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, 401, forwarded=1)),
    ("4.2.1", "no http URL without a host is made", By("base_urls_without_host")),
    ("4.2.1", "an http URL without a host is refused", Live(get("http:///v1/x"), 400, forwarded=0)),
    ("4.2.2", "no https URL without a host is made", By("base_urls_without_host")),
    ("4.2.2", "an https URL without a host is refused", Live(get("https:///v1/x"), 400, forwarded=0)),
    ("4.2.2", "what is for an https URL is secured before it is sent", See(FAULTS, "test_good", "test_bad")),
    ("4.2.4", "no user stands in a URL that we make", By("base_urls_with_user")),
    ("4.3.4", "a provider's identity is verified", See(FAULTS, "test_bad")),
    ("4.3.4", "it is verified as RFC 6125 says", See(FAULTS, "test_good", "test_bad")),
    ("4.3.4", "the identity is built from the host", See(FAULTS, "test_bad")),
    ("4.3.4", "a common name is no identity", By("a_common_name")),
    ("4.3.4", "a certificate for another ends the connection", See(FAULTS, "test_bad")),
    ("4.3.4", "it is written to the audit log", See(FAULTS, "test_bad")),
    ("4.3.4", "the check can be turned on", NotOurs("it cannot be turned off")),
    ("5.1", "fields that nobody knows go on", See(RELAY, "test_what_travels_upstream")),
    ("5.3", "fields of one name stay in their order", See(RELAY, "test_what_travels_upstream", "test_what_comes_back")),
    ("5.3", "a sender repeats no field that is no list",
     Live(get(), 200, says=OK + b"Date: d\r\nX-Request-ID: up\r\nX-LLM-Proxy: up\r\n" + EMPTY,
          has={"Date": "d", "X-Request-ID": re.compile("^[0-9a-f-]{36}$"), "X-LLM-Proxy": "1", "Content-Length": "0"})),
    ("5.3", "nothing is done before the fields are whole", By("a_head_without_its_end")),
    ("5.4", "4xx for a field that is too large", See(REQUESTS, "a head over its limit")),
    ("5.4", "4xx for too many fields", See(REQUESTS, "too many fields")),
    ("5.5", "blanks in front of a value are not part of it",
     Live(post("Content-Length:\t \t2"), 200, sees={"Content-Length": "2", ":body": "{}"})),
    ("5.5", "blanks behind a value are not part of it",
     Live(post("Content-Length: 2 \t "), 200, sees={"Content-Length": "2", ":body": "{}"})),
    ("5.5", "blanks behind a coding are not part of it",
     Live(post("Transfer-Encoding: chunked\t", body="2\r\n{}\r\n0\r\n\r\n"), 200, sees={"Transfer-Encoding": "chunked", ":body": "{}"})),
    ("5.5", "blanks behind a provider's length are not part of it",
     Live(get(), 200, says=OK + b"Content-Length: 2\t\r\n\r\n{}", body=b"{}")),
    ("5.5", "blanks behind a provider's coding are not part of it",
     Live(get(), 200, says=CHUNKED.replace(b"ked", b"ked\t") + b"\r\n", ends=True, body=b"{}")),
    ("5.5", "CR, LF and NUL in a request's value are refused",
     See(REQUESTS, "a NUL in a value", "a bare CR in a value", "a bare LF after a field")),
    ("5.5", "CR, LF and NUL in an answer's value are refused",
     See(UPSTREAMS, "test_every_malformed_head_ends_in_one_refusal", "nul", "barelf")),
    ("5.6.1.1", "lists that we make have no empty elements", Live(get("/health", method="PATCH"), 405, has={"Allow": METHODS})),
    ("5.6.1.2", "empty elements of Connection are ignored",
     Live(get("/v1/x", "Connection: ,, X-Hop ,\t,", "Connection:", "X-Hop: 1"), 200, sees={"X-Hop": None, "Connection": None})),
    ("5.6.1.2", "empty elements of Upgrade are ignored", Live(get("/v1/x", "Connection: Upgrade", "Upgrade: , ,websocket,"), 426)),
    ("5.6.1.2", "empty elements of Expect are ignored", Live(post("Expect: , 100-continue,"), 200, sees={":body": "{}"})),
    ("5.6.1.2", "empty elements of Transfer-Encoding are ignored",
     Decided("design.md, the strict reader refuses: anything but exactly chunked",
             Live(post("Transfer-Encoding: , chunked", body="2\r\n{}\r\n0\r\n\r\n"), (400, 501), forwarded=0))),
    ("5.6.3", "no bad blanks are made", NotOurs("no element that we make may have them")),
    ("5.6.3", "bad blanks are removed",
     Live(post("Transfer-Encoding: chunked", body="2 ; a=b\r\n{}\r\n0\r\n\r\n"), 200)),
    ("5.6.4", "a quoted pair stands for its second octet", See(BODIES, "test_refused")),
    ("5.6.7", "all three forms of a date are read", NotOurs("we read no date of a field")),
    ("5.6.7", "the dates that we make have the fixed form", Live(get("/health"), 200, has={"Date": DATE})),
    ("5.6.7", "and no other blanks", Live(get("/nobody"), 404, has={"Date": DATE})),
    ("5.6.7", "two digits of a year are less than 50 years ahead", NotOurs("we read no date of a field")),
    ("6", "an answer is read knowing its request", See(FORMS, "test_head_and_bodyless")),
    ("6.2", "no version is sent to a provider that we do not speak", Live(get(version="1.0"), 200, sees={":version": "HTTP/1.1"})),
    ("6.2", "no version is sent to a client that we do not speak", See(REQUESTS, "HTTP/2.0", "HTTP/0.9", "an HTTP/2 preface")),
    ("6.5.1", "no trailer is made that may be none",
     Live(get(), 200, says=CHUNKED + b"X-T: 1\r\n\r\n", raw=rb"\r\n0\r\n\r\n$", lacks=rb"X-T")),
    ("6.5.1", "trailers are not merged", See(REQUESTS, "a smuggling trailer")),
    ("6.5.2", "a trailer that comes twice is a list", NotOurs("for who defines fields")),
    ("6.6.1", "Date is in 2xx", Live(get("/health"), 200, has={"Date": DATE})),
    ("6.6.1", "Date is in 4xx", Live("GET / HTTP/1.1\r\n\r\n", 400, has={"Date": DATE})),
    ("6.6.1", "Date is in 3xx", Live(get(), 307, says=b"HTTP/1.1 307 X\r\nLocation: /\r\n" + EMPTY, has={"Date": DATE})),
    ("6.6.1", "who has no clock makes no Date", NotOurs("we have one")),
    ("6.6.1", "an answer that comes without Date gets one", Live(get(), 200, says=OK + EMPTY, has={"Date": DATE})),
    ("7.1", "host and port, or a star, are targets of CONNECT and OPTIONS only",
     See(REQUESTS, "a star for GET", "a target without a slash")),
    ("7.2", "Host is sent", See(RELAY, "test_what_travels_upstream")),
    ("7.4", "what does not meet the rules of its scheme is refused", See(FORMS, "test_other_hosts_get_421")),
    ("7.4", "what is for https and came in clear is refused", Live(get("https://localhost/health"), (400, 403, 421))),
    ("7.4", "what is for https and for no name of the certificate is refused",
     Decided("rulings 11: ALLOWED_HOSTS adds names, and addresses and localhost are always allowed",
             See(FORMS, "test_other_hosts_get_421"))),
    ("7.6", "an intermediary implements Connection", See(RELAY, "test_what_travels_upstream", "test_what_comes_back")),
    ("7.6", "nothing goes round in circles", By("a_provider_that_is_ourselves")),
    ("7.6.1", "fields for this connection are named in Connection",
     Live(get("/v1/x", *WEBSOCKET), 426, has={"Connection": re.compile("(?i)upgrade")})),
    ("7.6.1", "what Connection names does not go on",
     Live(get("/v1/x", "Connection: x-ONE", "connection: close , X-Two", "X-One: 1", "X-Two: 2", "X-Three: 3"), 200,
          sees={"X-One": None, "X-Two": None, "X-Three": "3"})),
    ("7.6.1", "what Connection names does not come back",
     Live(get(), 200, says=OK + b"Connection: x-ONE\r\nConnection: X-Two\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\n" + EMPTY,
          has={"X-One": None, "X-Two": None, "X-Three": "3"})),
    ("7.6.1", "Connection itself does not go on", Live(get("/v1/x", "Connection: X-Hop"), 200, sees={"Connection": None})),
    ("7.6.1", "Connection names no field that is for all",
     Live(get("/health", "Connection: Date"), 200, has={"Connection": None, "Date": DATE})),
    ("7.6.2", "Max-Forwards of OPTIONS is updated",
     Live(get("/v1/x", "Max-Forwards: 7", method="OPTIONS"), 200, sees={"Max-Forwards": "6"})),
    ("7.6.2", "with 0 it is not forwarded", Live(get("/v1/x", "Max-Forwards: 0", method="OPTIONS"), (200, 204, 501), forwarded=0)),
    ("7.6.2", "with 0 it is answered by ourselves", Live(get("/v1/x", "Max-Forwards: 0", method="OPTIONS"), (200, 204), forwarded=0)),
    ("7.6.2", "a value that no number holds is one that we support",
     Live(get("/v1/x", "Max-Forwards: 99999999999999999999", method="OPTIONS"), (200, 400), lacks=b"^HTTP/1.1 5")),
    ("7.6.2", "TRACE with it is not forwarded", See(REQUESTS, "TRACE")),
    ("7.6.3", "a proxy sends Via in what it forwards", NotOurs(GATEWAY)),
    ("7.6.3", "a gateway sends Via to the provider", Live(get(), 200, sees={"Via": re.compile(r"^1\.1 [!#$%&'*+.^_`|~0-9A-Za-z:-]+$")})),
    ("7.6.3", "it has the version that the client spoke", Live(get(version="1.0"), 200, sees={"Via": re.compile(r"^1\.0 ")})),
    ("7.6.3", "entries of different versions are not made one",
     Live(get("/v1/x", "Via: 1.0 a, 1.1 b"), 200, sees={"Via": re.compile(r"^1\.0 a, 1\.1 b")})),
    ("7.7", "a proxy leaves a full host name as it is", NotOurs(GATEWAY)),
    ("7.7", "a proxy leaves path and query as they are", NotOurs(GATEWAY)),
    ("7.7", "a proxy leaves the content of no-transform as it is", NotOurs(GATEWAY + "; the one change of an answer is rulings 18")),
    ("7.8", "101 names the new protocol", NotOurs("we never switch")),
    ("7.8", "layers of protocols are named from below", NotOurs("we never switch")),
    ("7.8", "no switch to what was not asked for", See(UPSTREAMS, "test_every_malformed_head_ends_in_one_refusal", "switching")),
    ("7.8", "426 names what is acceptable", Live(get("/v1/x", *WEBSOCKET), 426, has={"Upgrade": re.compile("^[A-Za-z]+(/[0-9.]+)?$")})),
    ("7.8", "no switch that loses what the message means", NotOurs("we never switch")),
    ("7.8", "who sends Upgrade names it in Connection", Live(get("/v1/x", *WEBSOCKET), 426, has={"Connection": re.compile("(?i)upgrade")})),
    ("7.8", "Upgrade in an HTTP/1.0 request is ignored", Live(get("/v1/x", *WEBSOCKET, version="1.0"), 200, sees={"Upgrade": None})),
    ("7.8", "100 comes in front of 101", NotOurs("we never switch")),
    ("8.3.3", "parts are divided by CRLF", NotOurs("we make no multipart content")),
    ("8.4", "who applied codings lists them", NotOurs("we apply none; a provider's pass")),
    ("8.6", "the length in an answer to HEAD is that of GET",
     Live(get("/health", method="HEAD"), 200, has={"Content-Length": str(len(STATUS))})),
    ("8.6", "the length in 304 is that of 200",
     Live(get(), 304, says=b"HTTP/1.1 304 X\r\nContent-Length: 500\r\n\r\n", has={"Content-Length": "500"})),
    ("8.6", "no length in 1xx",
     Live(post("Expect: 100-continue", body="{}"), 200, lacks=rb"100 Continue\r\n.*Content-Length.*\r\n\r\nHTTP")),
    ("8.6", "no length in 204", Live(get(), 204, says=b"HTTP/1.1 204 X\r\nContent-Length: 500\r\n\r\n", has={"Content-Length": None})),
    ("8.6", "no length in a 2xx to CONNECT", NotOurs(NO_TUNNEL)),
    ("8.6", "lengths that are too large for a number do no harm", See(REQUESTS, "a length over 64 bits")),
    ("8.6", "nor do those of a provider", Live(get(), 502, says=OK + b"Content-Length: 99999999999999999999\r\n\r\n")),
    ("8.6", "no length goes on that is known to be wrong", See(BODIES, "test_usage_is_asked_for_and_taken_out_again")),
    ("8.6", "no length goes on that is not plain digits",
     See(REQUESTS, "a signed length", "a list of lengths", "a length with a decimal point")),
    ("8.7", "Content-Location of a request is only context", Live(get("/health", "Content-Location: /metrics"), 200, body=STATUS)),
    ("8.7", "it changes nothing of what is meant", Live(get("/health", "Content-Location: /nobody"), 200, body=STATUS)),
    ("8.8.2.1", "Last-Modified is not in the future", NotOurs(NO_VALIDATORS)),
    ("8.8.2.1", "if it would be, it is the time of the message", NotOurs(NO_VALIDATORS)),
    ("8.8.2.1", "who has no clock makes none", NotOurs(NO_VALIDATORS)),
    ("8.8.3", "a weak entity tag is marked", NotOurs(NO_VALIDATORS)),
    ("9.1", "GET is supported", Live(get("/health"), 200, body=STATUS)),
    ("9.1", "HEAD is supported", Live(get("/health", method="HEAD"), 200, body=b"")),
    ("9.2.1", "a query makes no safe method unsafe", By("a_query_that_deletes")),
    ("9.2.2", "nothing that is not idempotent is sent again", See(FAULTS, "test_a_connection_that_closes_when_it_is_used_again")),
    ("9.3.2", "HEAD is answered without content",
     Live(get("/v1/x", method="HEAD") + get("/health"), 200, 200,
          raw=rb"\r\n\r\nHTTP/1\.1 200 OK\r\n(.+\r\n)+\r\n" + re.escape(STATUS) + b"$")),
    ("9.3.4", "PUT that makes is answered with 201", NotOurs(NO_PUT)),
    ("9.3.4", "PUT that replaces is answered with 200 or 204", NotOurs(NO_PUT)),
    ("9.3.4", "no validator after a PUT that was changed", NotOurs(NO_PUT)),
    ("9.3.4", "PUT that belongs elsewhere is answered with 3xx", NotOurs(NO_PUT)),
    ("9.3.6", "CONNECT names a port", NotOurs("libcurl sends it")),
    ("9.3.6", "CONNECT without a good port is refused", Live("CONNECT localhost: HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 501))),
    ("9.3.6", "a tunnel passes what is left when it ends", NotOurs(NO_TUNNEL)),
    ("9.3.6", "no framing in a 2xx to CONNECT", NotOurs(NO_TUNNEL)),
    ("9.3.6", "a client ignores it", NotOurs("libcurl reads it")),
    ("9.3.7", "no Max-Forwards is made where there was none", Live(get("/v1/x", method="OPTIONS"), 200, sees={"Max-Forwards": None})),
    ("9.3.7", "content of OPTIONS has a type", NotOurs(RELAYED)),
    ("9.3.8", "no secret in TRACE", NotOurs("we send no TRACE")),
    ("9.3.8", "no content in TRACE", NotOurs("we send no TRACE")),
    ("10.1.1", "no 100-continue without content", Live(post("Expect: 100-continue"), 200, sees={"Expect": None})),
    ("10.1.1", "who waits for 100 says so", NotOurs("we never wait for it")),
    ("10.1.1", "100-continue in an HTTP/1.0 request is ignored", Live(post("Expect: 100-continue", version="1.0"), 200, lacks=b" 100 ")),
    ("10.1.1", "a final answer follows 100", See(FORMS, "test_expect_continue")),
    ("10.1.1", "what the head decides is answered at once, else 100", See(FORMS, "test_expect_continue")),
    ("10.1.1", "100 does not wait for the content", By("management_expects")),
    ("10.1.1", "a proxy answers or forwards at once", NotOurs(GATEWAY)),
    ("10.1.3", "no fragment and no user in Referer", NotOurs(RELAYED)),
    ("10.1.3", "no Referer for what has no URL", NotOurs(RELAYED)),
    ("10.1.3", "no Referer from https in clear", NotOurs(RELAYED)),
    ("10.1.4", "TE is named in Connection", Live(get("/v1/x", "TE: trailers"), 200, sees={"TE": None})),
    ("10.1.5", "no advertising in User-Agent", NotOurs("we make none, the client's goes on")),
    ("10.2.1", "405 names the methods", Live(get("/health", method="DELETE"), 405, has={"Allow": METHODS})),
    ("10.2.1", "Allow is not changed",
     Live(get(), 405, says=b"HTTP/1.1 405 X\r\nAllow: GET,FOO ,  bar\r\n" + EMPTY, has={"Allow": "GET,FOO ,  bar"})),
    ("10.2.2", "a redirect inherits the fragment", NotOurs("we follow none")),
    ("11.2", "a parameter stands once in a challenge",
     Live("GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 401, has={"WWW-Authenticate": "Bearer"})),
    ("11.5", "a realm is quoted", NotOurs("our challenge has none")),
    ("11.6.1", "401 has a challenge",
     Live("GET /v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 401, has={"WWW-Authenticate": re.compile("^Bearer")})),
    ("11.6.1", "a provider's challenge is not changed",
     Live(get(), 401, says=b'HTTP/1.1 401 X\r\nWWW-Authenticate: A b="c,d", E\r\nWWW-Authenticate: F g=h\r\n' + EMPTY,
          has={"WWW-Authenticate": 'A b="c,d", E, F g=h'})),
    ("11.6.2", "a proxy leaves Authorization as it is", NotOurs(GATEWAY + "; contract 3 says what becomes of it")),
    ("11.7.1", "407 has a challenge", NotOurs("we send no 407")),
    ("12.4.2", "a weight has three digits at most", NotOurs(RELAYED)),
    ("12.5.3", "415 without a coding's fault has no Accept-Encoding", By("unsupported_body")),
    ("12.5.4", "no language that the user cannot choose", NotOurs(RELAYED)),
    ("12.5.5", "no star in Vary", Live(get("/health"), 200, has={"Vary": None})),
    ("12.5.5", "caches go by Vary", NotOurs("there is no cache")),
    ("13.1.1", "If-Match is compared strongly", NotOurs(NO_VALIDATORS)),
    ("13.1.1", "If-Match is evaluated before a change", By("if_match")),
    ("13.1.1", "nothing is done when it is false", By("if_match")),
    ("13.1.2", "If-None-Match is compared weakly", NotOurs(NO_VALIDATORS)),
    ("13.1.2", "If-None-Match is evaluated before a change", By("if_none_match")),
    ("13.1.2", "nothing is done when it is false", By("if_none_match")),
    ("13.1.2", "it is answered with 304 for GET", Live(get("/health", "If-None-Match: *"), 304)),
    ("13.1.2", "it is answered with 412 for others", By("if_none_match")),
    ("13.1.3", "If-Modified-Since is ignored beside If-None-Match",
     Live(get("/health", 'If-None-Match: "a"', "If-Modified-Since: Sat, 29 Oct 2044 19:43:31 GMT"), 200)),
    ("13.1.3", "it is ignored when it is no date", Live(get("/health", "If-Modified-Since: yesterday"), 200)),
    ("13.1.3", "it is ignored where there is no date of a change",
     Live(get("/health", "If-Modified-Since: Sat, 29 Oct 2044 19:43:31 GMT"), 200)),
    ("13.1.3", "it is read by the server's clock", NotOurs(NO_VALIDATORS)),
    ("13.1.4", "If-Unmodified-Since is ignored beside If-Match",
     Live(get("/health", "If-Match: *", "If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT"), 200)),
    ("13.1.4", "it is ignored when it is no date", Live(get("/health", "If-Unmodified-Since: yesterday"), 200)),
    ("13.1.4", "it is ignored where there is no date of a change",
     Live(get("/health", "If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT"), 200)),
    ("13.1.4", "it is read by the server's clock", NotOurs(NO_VALIDATORS)),
    ("13.1.4", "it is evaluated before a change", NotOurs(NO_VALIDATORS)),
    ("13.1.4", "nothing is done when it is false", NotOurs(NO_VALIDATORS)),
    ("13.1.5", "no If-Range is made without Range", NotOurs(RELAYED)),
    ("13.1.5", "If-Range without Range is ignored", Live(get("/health", 'If-Range: "a"'), 200, body=STATUS)),
    ("13.1.5", "If-Range is ignored where there are no ranges",
     Live(get("/health", 'If-Range: "a"', "Range: bytes=0-1"), 200, body=STATUS)),
    ("13.1.5", "no weak entity tag in If-Range", NotOurs(RELAYED)),
    ("13.1.5", "no date in If-Range that is not strong", NotOurs(RELAYED)),
    ("13.1.5", "If-Range is evaluated before the method", NotOurs(NO_RANGES)),
    ("13.1.5", "Range is ignored when If-Range is false", Live(get("/health", 'If-Range: W/"a"', "Range: bytes=0-1"), 200, body=STATUS)),
    ("13.2.1", "conditions are evaluated behind all other checks", By("if_match")),
    ("13.2.1", "conditions are ignored where the answer is no success", Live(get("/nobody", 'If-Match: "a"', "If-None-Match: *"), 404)),
    ("13.2.1", "who is not the origin server evaluates none", Live(get("/v1/x", 'If-Match: "a"', "If-None-Match: *"), 200, forwarded=1)),
    ("13.2.1", "who is not the origin server passes them on",
     Live(get("/v1/x", 'If-Match: "a"', 'If-None-Match: W/"b"', "If-Modified-Since: x", "If-Unmodified-Since: y", "If-Range: z",
              "Range: bytes=0-1"), 200,
          sees={"If-Match": '"a"', "If-None-Match": 'W/"b"', "If-Modified-Since": "x", "If-Unmodified-Since": "y", "If-Range": "z",
                "Range": "bytes=0-1"})),
    ("13.2.1", "conditions are ignored for OPTIONS", Live(get("/health", 'If-Match: "a"', method="OPTIONS"), (200, 204, 405))),
    ("13.2.2", "If-Match goes before If-None-Match", By("if_match_goes_first")),
    ("14.1.2", "ranges that are too large for a number do no harm",
     Live(get("/health", "Range: bytes=99999999999999999999-"), 200, body=STATUS)),
    ("14.2", "Range is ignored for other methods than GET",
     Live(get("/health", "Range: bytes=0-1", method="HEAD"), 200, has={"Content-Range": None})),
    ("14.2", "Range in units that nobody knows is ignored", Live(get("/health", "Range: lines=1-2"), 200, body=STATUS)),
    ("14.3", "Accept-Ranges promises nothing", NotOurs(RELAYED)),
    ("14.4", "no parts of units that nobody knows are put together", NotOurs(NO_RANGES)),
    ("14.4", "Content-Range of a request is ignored where it means nothing",
     Live(manage("/manage/tokens/validate", "Content-Type: application/json", "Content-Range: bytes 0-1/2", method="POST",
                 body='{"token":"a"}'), 200)),
    ("14.4", "no parts of wrong ranges are put together", NotOurs(NO_RANGES)),
    ("15", "a status that nobody knows counts by its first digit",
     Live(get(), 471, says=b"HTTP/1.1 471 Odd\r\n" + EMPTY, raw=rb"^HTTP/1\.1 471 ")),
    ("15.2", "no 1xx to an HTTP/1.0 client", Live(get("/v1/x", "X-Behave: interim=3", version="1.0"), 200, lacks=rb"HTTP/1\.1 1")),
    ("15.2", "1xx in front of an answer are read", See(FAULTS, "test_interim_answers_stop_here")),
    ("15.2", "a proxy passes 1xx on", NotOurs(GATEWAY)),
    ("15.2.2", "101 names the protocol", NotOurs("we never switch")),
    ("15.3.6", "no content is made in 205", NotOurs("we make no 205")),
    ("15.3.7", "206 is inspected before more is asked for", NotOurs("we ask for no ranges; 206 goes on as it is")),
    ("15.3.7", "206 has the fields that 200 would have", NotOurs(NO_RANGES)),
    ("15.3.7", "206 has all fields of the representation", NotOurs(NO_RANGES)),
    ("15.3.7.1", "206 of one part has Content-Range",
     Live(get(), 206, says=b"HTTP/1.1 206 X\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab",
          has={"Content-Range": "bytes 0-1/9"}, body=b"ab")),
    ("15.3.7.2", "206 of several parts is multipart/byteranges", NotOurs(NO_RANGES)),
    ("15.3.7.2", "it has no Content-Range of its own", NotOurs(NO_RANGES)),
    ("15.3.7.2", "its parts have one each", NotOurs(NO_RANGES)),
    ("15.3.7.2", "one range is not answered with parts", NotOurs(NO_RANGES)),
    ("15.3.7.2", "who cannot read parts asks for one range", NotOurs(RELAYED)),
    ("15.3.7.2", "the parts are inspected", NotOurs(NO_RANGES)),
    ("15.3.7.3", "fields of a newer part replace older ones", NotOurs(NO_RANGES)),
    ("15.3.7.3", "all parts together are a whole", NotOurs(NO_RANGES)),
    ("15.3.7.3", "other parts together are partial", NotOurs(NO_RANGES)),
    ("15.4.5", "304 has the fields that 200 would have",
     Live(get(), 304, says=b'HTTP/1.1 304 X\r\nETag: "a"\r\nCache-Control: b\r\nContent-Location: /c\r\nExpires: d\r\n'
                           b'Vary: e\r\nDate: f\r\n\r\n',
          has={"ETag": '"a"', "Cache-Control": "b", "Content-Location": "/c", "Expires": "d", "Vary": "e", "Date": "f"})),
    ("15.4.8", "a redirect by 307 keeps the method", See(FAULTS, "test_redirects_are_not_followed")),
    ("15.5.2", "401 of the management has a challenge",
     Live(get("/manage/projects"), 401, has={"WWW-Authenticate": re.compile("^Bearer")})),
    ("15.5.6", "a known method that nothing of the management has is 405, not 501",
     Live(manage("/manage/projects", method="TRACE"), 405, has={"Allow": METHODS})),
    ("15.5.6", "but where nothing is, 404", Live(manage("/manage/nothing", method="QUERY", body="{}"), 404)),
    ("15.5.6", "405 of the management names the methods",
     Live(manage("/manage/projects", method="PUT", body="{}"), 405, has={"Allow": METHODS})),
    ("15.5.6", "405 of a provider's profile names the methods",
     Live(post(path="/narrow/v1/x"), 405, has={"Allow": "GET, HEAD"}, forwarded=0)),
    ("15.5.8", "407 has a challenge", NotOurs("we send no 407")),
    ("15.5.20", "a proxy makes no 421", NotOurs(GATEWAY + "; the section names gateways as who may")),
    ("15.5.22", "426 names the protocol", Live(get("/v1/x", *WEBSOCKET), 426, has={"Upgrade": re.compile(".")})),
]


class Rfc9110(Musts, Proxy):
    RFC = "RFC 9110"
    MUSTS = MUSTS
    SECTIONS = ("2.2 2.3 2.4 3.3 4.2.1 4.2.2 4.2.4 4.3.4 5.1 5.3 5.4 5.5 5.6.1.1 5.6.1.2 5.6.3 5.6.4 5.6.7 6 6.2 6.5.1 6.5.2 6.6.1 7.1 "
                "7.2 7.4 7.6 7.6.1 7.6.2 7.6.3 7.7 7.8 8.3.3 8.4 8.6 8.7 8.8.2.1 8.8.3 9.1 9.2.1 9.2.2 9.3.2 9.3.4 9.3.6 9.3.7 9.3.8 "
                "10.1.1 10.1.3 10.1.4 10.1.5 10.2.1 10.2.2 11.2 11.5 11.6.1 11.6.2 11.7.1 12.4.2 12.5.3 12.5.4 12.5.5 13.1.1 13.1.2 "
                "13.1.3 13.1.4 13.1.5 13.2.1 13.2.2 14.1.2 14.2 14.3 14.4 15 15.2 15.2.2 15.3.6 15.3.7 15.3.7.1 15.3.7.2 15.3.7.3 "
                "15.4.5 15.4.8 15.5.2 15.5.6 15.5.8 15.5.20 15.5.22")
    providers = (*Proxy.providers, "narrow")

    @classmethod
    def start(cls):
        profiles = cls.cwd / "profiles.yaml"
        narrow = "{base_url: 'http://127.0.0.1:1', auth: bearer, api: openai, allowed_methods: [GET, HEAD]}"
        profiles.write_text("providers: {narrow: %s}" % narrow)
        cls.authority = Authority(cls.cwd)
        cls.settings = Musts.settings | {"API_CONFIG_PATH": str(profiles), "SSL_CERT_FILE": str(cls.authority.file)}
        super().start()

    def the_rest_of_this_list(self):
        self.assertGreater(sum(isinstance(shown, Live) for _, _, shown in MUSTS), 80)

    def base_url(self, url):
        providers = [{"provider": "openai", "api_key": KEY, "base_url": url}]
        return self.manage("POST", "/manage/projects", {"name": "URLs", "providers": providers})[0]

    def base_urls_without_host(self):
        self.assertEqual([self.base_url(url) for url in ("http:///v1", "https:///v1", "http://:80/v1", "https://:443/v1")], [400] * 4)

    def base_urls_with_user(self):
        self.assertEqual([self.base_url(url) for url in ("https://u@a.example/v1", "https://u:p@a.example/v1")], [400] * 2)

    def a_common_name(self):
        self.authority.common_name("named", "127.0.0.1")
        with Upstream(self.authority.server_context("named")) as upstream:
            project = self.new_project(providers=[{"provider": "openai", "api_key": KEY, "base_url": upstream.url + "/v1"}])["id"]
            answer = self.ask("/v1/x", token=self.new_token(project_id=project)["token"])
            self.assertEqual((answer.status, upstream.count()), (502, 0))

    def a_head_without_its_end(self):
        before = self.upstream.count()
        client = self.raw().send(get("/v1/x?late")[:-2].replace("{token}", self.token))
        self.assertEqual(self.ask("/v1/x").status, 200)  # what was in front of it has been read
        self.assertEqual(self.upstream.count(), before + 1)
        self.assertEqual(client.send("If-Match: \"a\"\r\n\r\n").answer().status, 200)
        self.assertEqual(self.upstream.requests[-1].header("if-match"), '"a"')

    def a_provider_that_is_ourselves(self):
        """Its key is an access token of its own project: each hop would be a good request again."""
        own = [{"provider": "openai", "api_key": KEY, "base_url": f"http://127.0.0.1:{self.port}/v1"}]
        project = self.new_project(providers=own)["id"]
        token = self.new_token(project_id=project, max_requests=20)
        key = {"api_key": token["token"], "provider": "openai"}
        self.assertEqual(self.manage("POST", f"/manage/projects/{project}/rotate-key", key)[0], 200)
        since = self.last_seq()
        self.assertGreaterEqual(self.ask("/v1/x", token=token["token"]).status, 400)
        self.assertLessEqual(len(self.events(since=since)), 2, "requests that one request made")

    def a_query_that_deletes(self):
        token = self.new_token()
        path = f"/manage/tokens/{token['id']}?purge=true&method=DELETE&_method=DELETE"
        self.assertIn(self.manage("GET", path, headers={"X-HTTP-Method-Override": "DELETE"})[0], (200, 400))
        self.assertEqual(self.ask("/v1/x", token=token["token"]).status, 200)

    def management_expects(self):
        client = self.raw().send(manage("/manage/tokens/validate", "Content-Type: application/json", "Content-Length: 13",
                                        "Expect: 100-continue", method="POST"))
        self.assertEqual(client.head()[0], 100)
        self.assertEqual(client.send('{"token":"a"}').answer().status, 200)

    def unsupported_body(self):
        token = self.new_token(allowed_models=["gpt-4o"])["token"]
        answer = self.ask(body=b"no JSON", token=token)
        self.assertEqual((answer.status, answer.header("accept-encoding")), (415, None))

    def change(self, *fields):
        """A PATCH of a project with these conditions: its status, and whether it was done."""
        project = self.new_project()["id"]
        status, _ = self.manage("PATCH", f"/manage/projects/{project}", {"name": "Changed"}, headers=fields)
        return status, self.manage("GET", f"/manage/projects/{project}")[1]["name"] == "Changed"

    def if_match(self):
        self.assertEqual(self.change(("If-Match", "*")), (200, True))
        self.assertEqual(self.change(("If-Match", '"a"')), (412, False))

    def if_none_match(self):
        self.assertEqual(self.change(("If-None-Match", '"a"')), (200, True))
        self.assertEqual(self.change(("If-None-Match", "*")), (412, False))

    def if_match_goes_first(self):
        self.assertEqual(self.change(("If-Match", '"a"'), ("If-None-Match", '"b"')), (412, False))


if __name__ == "__main__":
    unittest.main()
