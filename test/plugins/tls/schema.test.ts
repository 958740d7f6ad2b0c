import { after } from 'node:test'
import { tls } from '../../../src/plugins/tls/index.ts'
import { certificateFolder } from '../../support/certificates.ts'
import { specifySchema } from '../../support/schema-cases.ts'

const certificates = certificateFolder()
after(certificates.remove)
certificates.issue('one')
const { path: folder } = certificates
const own = `${folder}/one.pem ${folder}/one.key`

specifySchema(tls, {
  accepted: [
    `tls ${own}`,
    `tls ${own} ${folder}/ca.pem`,
    `tls ${own} {|client_auth nocert|}`,
    `tls ${own} ${folder}/ca.pem {|client_auth require_and_verify|keylog ${folder}/keys.log|}`,
    `tls ${own} {|client_auth request|client_auth require|}`,
    `tls ${own}|tls ${own}`,
  ],
  refused: [
    ['tls', /^Corefile:2:1 - tls needs CERT and KEY: slicedns does not obtain certificates \(ACME\)/],
    ['tls {|acme dns.example.org|}', /^Corefile:2:1 - tls needs CERT and KEY: slicedns does not obtain certificates/],
    ['tls cert.pem', /^Corefile:2:1 - Wrong argument count/],
    ['tls a b c d', /^Corefile:2:11 - Wrong argument count/],
    ['tls a b {|client_auth|}', /^Corefile:3:1 - Wrong argument count/],
    ['tls a b {|client_auth always|}', /^Corefile:3:13 - 'always' is not /],
    ['tls a b {|keylog|}', /^Corefile:3:1 - Wrong argument count/],
    ['tls a b {|min_version 1.3|}', /^Corefile:3:1 - unknown property 'min_version' of tls/],
  ],
})
