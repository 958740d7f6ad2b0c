/**
 * Messages that are malformed or unusual, in hex, and the reply to them: CoreDNS 1.15.0's octets where the responder
 * answers without a plugin (test/conformance/malformed-queries.test.ts asks it), `silence`, or `the chain`.
 */
export interface MessageCase {
  readonly name: string
  readonly request: string
  readonly reply: string
}

const u16 = (number: number): string => number.toString(16).padStart(4, '0')

/** ID beef, then the flags, then the four counts. */
const header = (flags: string, questions = 1, answers = 0, authorities = 0, additionals = 0): string =>
  `beef${flags}${[questions, answers, authorities, additionals].map(u16).join('')}`

/** WEb.example. */
const web = '03574562076578616d706c6500'
const webA = `${web}00010001`

const opt = (options = '', size = '04d0', ttl = '00000000'): string =>
  `000029${size}${ttl}${u16(options.length / 2)}${options}`

const label = (octets: number): string => octets.toString(16).padStart(2, '0') + '61'.repeat(octets)
const long = label(63) + label(63) + label(63)

const withOpt = (record: string): string => header('0100', 1, 0, 0, 1) + webA + record
const formErr = 'beef81010000000000000000'
const formErrQuestion = `beef81010001000000000000${webA}`
const answered = `beef85000001000100000000${webA}c00c00010001000000050004 0a000001`.replace(' ', '')
const answeredWithOpt = (options = '', size = '04d0', ttl = '00000000'): string =>
  `beef85000001000100000001${webA}c00c000100010000000500040a000001${opt(options, size, ttl)}`

const rows: readonly (readonly [name: string, request: string, reply: string])[] = [
  ['a query', header('0100') + webA, answered],
  ['trailing octets', `${header('0100')}${webA}ffffffff`, answered],
  ['an OPT that no count announces', header('0100') + webA + opt(), answered],
  ['TC set in a query', header('0300') + webA, answered],
  ['every flag and an rcode', header('07ff') + webA, answered.replace('beef8500', 'beef8510')],
  ['11 octets', header('0100').slice(0, 22), 'silence'],
  ['QR set', header('8000') + webA, 'silence'],
  ['a response that is a header alone', header('8000'), 'silence'],
  ['opcode 6, every flag', header('37ff') + webA, 'beefb3b40000000000000000'],
  ['opcode 15 without a question', header('7fff', 0), 'beeffbb40000000000000000'],
  ['two questions', header('07ff', 2) + webA + webA, 'beef83b10000000000000000'],
  ['no question', header('0100', 0), formErr],
  ['two answers', header('0100', 1, 2) + webA, formErr],
  ['two authorities', header('0100', 1, 0, 2) + webA, formErr],
  ['three additionals', header('0100', 1, 0, 0, 3) + webA, formErr],
  ['a NOTIFY with two questions: FORMERR of opcode QUERY', header('2400', 2) + webA, 'beef80010000000000000000'],
  ['a header alone', header('0100'), 'beef81020000000000000000'],
  ['a header alone with every flag', header('07ff'), 'beef81120000000000000000'],
  ['a NOTIFY that is a header alone', header('27ff'), 'beefa0020000000000000000'],
  ['a name that does not end', header('0100') + web.slice(0, -2), formErr],
  ['a label over the end', `${header('0100')}3f616263`, formErr],
  ['a label of kind 01', `${header('0100')}4161${webA}`, formErr],
  ['a label of kind 10', `${header('0100')}8161${webA}`, formErr],
  ['a name of 256 octets', `${header('0100')}${long}${label(62)}0000010001`, formErr],
  ['128 labels', `${header('0100')}${label(1).repeat(128)}0000010001`, formErr],
  ['a question that ends within its type', `${header('0100')}${web}00`, formErr],
  ['a question that ends within its class', `${header('0100')}${web}000100`, formErr],
  ['a broken question with every flag', header('07ff') + web.slice(0, -2), 'beef83b10000000000000000'],
  ['an OPT that ends before its type', withOpt('00'), formErrQuestion],
  ['an OPT that ends after its type', withOpt('000029'), formErrQuestion],
  ['an OPT that ends after its class', withOpt('00002904d0'), formErrQuestion],
  ['an OPT whose rdata is over the end', withOpt('00002904d0000000000008000a'), formErrQuestion],
  ['an option over the end of the OPT', withOpt(opt('000a0009010203')), formErrQuestion],
  ['an option header of three octets', withOpt(opt('000a00')), formErrQuestion],
  ['a broken OPT with every flag', `${header('07ff', 1, 0, 0, 1)}${webA}00`, `beef83b10001000000000000${webA}`],
  ['EDNS version 1', withOpt(opt('', '04d0', '00018000')), `beef81000001000000000001${webA}0000290000010000000000`],
  ['EDNS version 1 and a malformed option', withOpt(opt('000b000101', '04d0', '00018000')), 'the chain'],
  ['EDNS, version 1 and a client subnet', withOpt(opt('0008000700011800010203', '04d0', '00010000')), 'the chain'],
  ['EDNS', withOpt(opt()), answeredWithOpt()],
  ['EDNS, octets after the OPT', `${withOpt(opt())}000a0001`, answeredWithOpt()],
  ['EDNS, size 0', withOpt(opt('', '0000')), answeredWithOpt('', '0000')],
  ['EDNS, DO and an extended rcode', withOpt(opt('', '04d0', '7f008000')), answeredWithOpt('', '04d0', '00008000')],
  ['EDNS, NSID asked', withOpt(opt('00030000')), 'the chain'],
  ['EDNS, a cookie', withOpt(opt('000a00080102030405060708')), answeredWithOpt('')],
  ['EDNS, keepalive and padding', withOpt(opt('000b0000000c00020000')), answeredWithOpt('')],
  [
    'EDNS, an option of local use and a cookie',
    withOpt(opt('fde90001ff000a00080102030405060708')),
    answeredWithOpt(''),
  ],
  ['EDNS flags without a meaning', withOpt(opt('', '04d0', '00000001')), 'the chain'],
  ['a client subnet', withOpt(opt('0008000700011800010203')), 'the chain'],
  ['a keepalive of one octet', withOpt(opt('000b000101')), 'the chain'],
  ['a question without type and class', header('0100') + web, 'the chain'],
  ['a compressed question', `${header('0100')}c01200010001016100`, 'the chain'],
  ['class CH', `${header('0110')}${web}00010003`, 'the chain'],
  ['a NOTIFY', header('2400') + webA, 'the chain'],
  ['a transfer', `${header('0110')}${web}00fc0001`, 'the chain'],
  ['DS', `${header('0110')}${web}002b0001`, 'the chain'],
  ['ANY', `${header('0110')}${web}00ff0001`, 'the chain'],
  ['an OPT that is not at the root', withOpt('c00c002904d0000000000000'), 'the chain'],
  ['another record than OPT', withOpt('0000010001000000000004 01020304'.replace(' ', '')), 'the chain'],
  ['a count without a record', header('0100', 1, 0, 0, 1) + webA, 'the chain'],
  ['an answer in the query', `${header('0100', 1, 1)}${webA}c00c0001000100000005000401020304`, 'the chain'],
  ['two OPTs', header('0100', 1, 0, 0, 2) + webA + opt() + opt(), 'the chain'],
]

export const cases: readonly MessageCase[] = rows.map(([name, request, reply]) => ({ name, request, reply }))
