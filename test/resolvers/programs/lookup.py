"""Asks dnspython with the search list of /etc/resolv.conf. Arguments and output are those of getaddrinfo.c, and SRV, TXT."""

import sys

import dns.exception
import dns.resolver

resolver = dns.resolver.Resolver()


def text(kind, record):
    if kind == "SRV":
        return f"{record.target}:{record.port}"
    if kind == "TXT":
        return b"".join(record.strings).decode()
    return str(record)


def records(kind, name):
    return [text(kind, record) for record in resolver.resolve(name, kind, search=True)]


def ask(kind, what):
    if kind == "PTR":
        return [str(record) for record in resolver.resolve_address(what)]
    if kind == "ANY":
        return records("A", what) + records("AAAA", what)
    return records(kind, what)


def answer(kind, what):
    try:
        return " ".join(ask(kind, what))
    except dns.resolver.NXDOMAIN:
        return "!not-found"
    except dns.resolver.NoAnswer:
        return "!no-data"
    except (dns.exception.Timeout, dns.resolver.NoNameservers):
        return "!try-again"


for question in sys.argv[1:]:
    print(question, answer(*question.split(":", 1)), sep="\t")
