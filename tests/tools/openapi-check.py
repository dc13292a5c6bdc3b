#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds docs/openapi.yaml and an agent against each other.

openapi-check.py routes FILE SOURCE       the paths and methods of both are the same
openapi-check.py live FILE SOCKET MODULE  answers are as the schemas say
"""
import http.client
import json
import re
import socket
import sys

import jsonschema
import yaml

METHODS = ('get', 'post', 'put', 'patch', 'delete', 'head', 'options')


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__('modseal', timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def described(spec):
    return {(m.upper(), p) for p, item in spec['paths'].items() for m in item if m in METHODS}


def served(source):
    found = re.findall(r'^\t\{"([A-Z]+)", "(/[^"]*)", ms_api_', open(source).read(), re.M)
    # The one wildcard has a name in OpenAPI; /break-in is not in a modseald that is installed.
    return {(m, p.replace('/tile/*', '/tile/{tile}')) for m, p in found if p != '/break-in'}


def routes(spec, source):
    want, have = served(source), described(spec)
    bad = [f'served, not described: {m} {p}' for m, p in sorted(want - have)]
    bad += [f'described, not served: {m} {p}' for m, p in sorted(have - want)]
    if len(want) < 30:
        bad.append(f'only {len(want)} routes were found in {source}')
    return bad


class Live:
    def __init__(self, spec, sock):
        self.spec, self.sock, self.seen, self.bad = spec, sock, set(), []

    def validate(self, schema, value, what):
        whole = {**schema, 'components': self.spec['components']}
        for e in jsonschema.Draft202012Validator(whole).iter_errors(value):
            self.bad.append(f'{what}: {"/".join(map(str, e.path))}: {e.message[:200]}')

    def call(self, method, template, body=None, query='', want=None, **where):
        path = template
        for k, v in where.items():
            path = path.replace('{%s}' % k, v)
        data = json.dumps(body) if isinstance(body, dict) else body
        con = Unix(self.sock)
        con.request(method, path + query, data)
        r = con.getresponse()
        raw = r.read()
        con.close()
        what = f'{method} {path}{query}: {r.status}'
        self.seen.add((method, template))
        op = self.spec['paths'][template][method.lower()]
        if want and r.status != want:
            self.bad.append(f'{what}, not {want}: {raw[:300]}')
        answer = op['responses'].get(str(r.status))
        if not answer:
            answer = op['responses']['default']
            if r.status < 400:
                self.bad.append(f'{what}: a status that is not described')
        kind = r.headers.get('Content-Type')
        if kind not in answer['content']:
            self.bad.append(f'{what}: {kind} is not described')
            return None
        if not re.fullmatch('[0-9a-f]{32}', r.headers.get('X-Request-Id', '')):
            self.bad.append(f'{what}: no request id')
        if 'json' not in kind or 'jsonl' in kind:
            return raw
        value = json.loads(raw)
        self.validate(answer['content'][kind]['schema'], value, what)
        if r.status >= 400 and value.get('code') in ('no-route', 'bad-method'):
            self.bad.append(f'{what}: not served')
        return value


def live(spec, sock, module):
    v, mod = Live(spec, sock), open(module, 'rb').read()
    call = v.call
    digest = '0' * 64
    for path in ('/healthz', '/metrics', '/v1/whoami', '/v1/status', '/v1/keys', '/v1/builds',
                 '/v1/revocations', '/v1/log/vkey', '/v1/log/counter', '/v1/log/checkpoint',
                 '/readyz'):
        call('GET', path, want=200)
    call('POST', '/v1/keys', {'name': 'made', 'algorithm': 'p256'}, want=201)
    call('POST', '/v1/keys', {'name': 'made', 'algorithm': 'p256'}, want=409)
    call('POST', '/v1/keys', b'{', want=400)
    call('GET', '/v1/keys/{key}', key='made', want=200)
    call('GET', '/v1/keys/{key}', key='nobody', want=404)
    for fmt in ('', '?format=pem', '?format=x'):
        call('GET', '/v1/keys/{key}/certificate', key='made', query=fmt)
    call('POST', '/v1/keys/{key}/sign', mod, '?name=m.ko', key='made', want=200)
    call('POST', '/v1/keys/{key}/sign', b'', key='made', want=422)
    call('POST', '/v1/keys/{key}/csr', b'', key='made', want=200)
    call('POST', '/v1/keys/{key}/unlock', {'pin': 'x'}, key='made')
    call('POST', '/v1/builds', {'kernel': '6.1.0'}, want=400)
    b = call('POST', '/v1/builds', {'key': 'made', 'kernel': '6.1.0-1-amd64'}, want=201)
    bid = b['id']
    call('POST', '/v1/keys/{key}/sign-digests', {'hash': 'sha256', 'build': bid, 'items': [
        {'digest': digest, 'name': 'm.ko'}, {'digest': 'xx'}]}, key='made', want=200)
    call('POST', '/v1/keys/{key}/sign', mod, f'?build={bid}', key='made', want=200)
    call('GET', '/v1/builds/{id}', id=bid, want=200)
    call('GET', '/v1/builds/{id}/modules', id=bid, want=200)
    call('POST', '/v1/builds/{id}/approve', b'', id=bid)
    call('POST', '/v1/builds/{id}/close', b'', id=bid, want=200)
    call('GET', '/v1/builds/{id}/manifest', id=bid, want=200)
    call('GET', '/v1/builds/{id}/manifest', id=bid, query='?format=p7s', want=200)
    call('POST', '/v1/builds/{id}/reject', b'', id=bid)
    call('GET', '/v1/builds', want=200)
    call('POST', '/v1/log/checkpoint', b'')
    call('GET', '/v1/log/entries', query='?from=1&count=3', want=200)
    call('GET', '/v1/log/proof', query='?entry=1', want=200)
    call('GET', '/v1/log/consistency', query='?from=1&to=1')
    call('GET', '/v1/log/tile/{tile}', tile='0/000')
    call('POST', '/v1/policy/check', b'[agent]\n', want=200)
    call('GET', '/v1/policy/explain', query='?key=made', want=200)
    call('POST', '/v1/policy/explain', mod, '?key=made', want=200)
    call('POST', '/v1/revocations', {'digests': [digest], 'reason': 'a test'}, want=200)
    call('POST', '/v1/revocations', {'entries': [{'name': 'x', 'below': '2', 'reason': 'a test'}]},
         want=200)
    call('POST', '/v1/revocations', {'entries': [{'nme': 'x'}]}, want=422)
    call('GET', '/v1/revocations', want=200)
    call('POST', '/v1/revocations/list', b'', '?days=x', want=400)
    call('POST', '/v1/revocations/list', b'', '?key=made&days=3', want=200)
    call('POST', '/v1/reload', b'', want=200)
    call('GET', '/v1/pcrs', query='?list=7')
    call('POST', '/v1/tpm/identity', b'')
    call('POST', '/v1/tpm/enroll', b'nonsense')
    for tail in ('reseal', 'attest', 'provision', 'take-provisioned', 'import',
                 'install-certificate', 'backup', 'sign-efi', 'rotate'):
        call('POST', '/v1/keys/{key}/' + tail, b'nonsense', key='made')
    call('POST', '/v1/keys/{key}/retire', b'', '?reason=done', key='made')
    call('POST', '/v1/keys/{key}/revoke', b'', '?reason=superseded', key='made')
    v.bad += [f'not called: {m} {p}' for m, p in sorted(described(spec) - v.seen)]
    return v.bad


def main():
    what, file, *rest = sys.argv[1:]
    spec = yaml.safe_load(open(file))
    bad = routes(spec, *rest) if what == 'routes' else live(spec, *rest)
    print(*bad, sep='\n', end='\n' if bad else '')
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())
