/**
 * Patterns that are made to be slow, each with a name of 250 octets that is made for it. None has a literal text that the
 * name lacks, which would end the search before it begins.
 */

const many = (text: string): string => text.repeat(250).slice(0, 250)
const almost = (text: string): string => `${many(text).slice(0, 249)}!`

const evil: readonly (readonly [pattern: string, name: string])[] = [
  // Repetitions in repetitions: a backtracking engine tries every way to cut the text.
  ['^(a+)+$', almost('a')],
  ['^(a*)*$', almost('a')],
  ['(a+)+[bc]', almost('a')],
  ['((a+)+)+$', almost('a')],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', almost('a')],
  ['^((a+)*)*$', almost('a')],
  ['^(a+b?)+$', almost('a')],
  ['([a-z]+)*\\.[xy]$', almost('a')],
  ['^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}$', almost('a')],
  ['^(\\w+\\s?)*$', almost('a')],
  ['(\\w+\\.)+(\\w+\\.)+(\\w+\\.)+[xy]', almost('ab.')],
  ['(x+x+)+[yz]', almost('x')],
  ['(.*)*[=~]', almost('a')],
  ['(.+)+[=~]', almost('a.')],
  ['^(-?[a-z0-9]+)*$', almost('a-')],
  // Alternatives that begin alike.
  ['^(a|a)*$', almost('a')],
  ['^(a|aa)+$', almost('a')],
  ['^(a|a?)+$', almost('a')],
  ['^(a|b|ab)*[cd]$', almost('ab')],
  ['(a|b|ab)*(bc|c)[xy]', almost('abc')],
  ['^(\\d|\\d\\d|\\d\\d\\d)+$', almost('1')],
  ['(foo|fo|f|o|oo)+[=~]', almost('foo')],
  ['(a|b)*a(a|b){12}[=~]', almost('ab')],
  ['^(?:.|[a-z]|\\w)*$', `${many('a').slice(0, 249)}\n`],
  // Much that matches anything, side by side.
  ['.*.*.*.*.*.*.*.*[=~]', almost('a')],
  ['(.*a){20}$', almost('a')],
  ['(.*)\\.(.*)\\.(.*)\\.(.*)\\.(.*)\\.[xy]$', almost('a.')],
  ['a*a*a*a*a*a*a*a*[bc]', almost('a')],
  ['a?a?a?a?a?a?a?a?aaaaaaaa[bc]', almost('a')],
  ['[^x]*[^y]*[^z]*[^w]*[=~]', almost('a')],
  ['(?:a?){30}a{30}[=~]', almost('a')],
  ['.*?.*?.*?.*?[=~]', almost('a')],
  // Loops around nothing.
  ['(|a)*[=~]', almost('a')],
  ['(|a)+[=~]', almost('a')],
  ['(a*?)*?[=~]', almost('a')],
  ['(?:(?:)*)*[=~]', almost('a')],
  ['(?:\\b|a)*[=~]', almost('a')],
  ['(?:^|a|$)*[=~]', almost('a')],
  // Hundreds of instructions.
  ['.{1,1000}[=~]', almost('a')],
  ['(?:a?){250}a{250}', almost('a')],
  ['(.*){100}[=~]', almost('a')],
  ['(.{1,300}){3}[=~]', almost('a')],
  ['(?:a{1,30}){30}[=~]', almost('a')],
  ['(a{0,500}b?){2}[=~]', almost('ab')],
  ['[a-z]{1,1000}[0-9]', almost('a')],
  ['(?:[a-z0-9-]{1,63}\\.){1,15}[=~]', almost('a.')],
  // Classes and cases of Unicode.
  ['^[\\p{L}\\p{N}]{1,250}[=~]', almost('a')],
  ['(?i)(ſ|K|k|s)+[=~]', almost('ks')],
  ['(\\pL+\\PN*)+[=~]', almost('ab1')],
  ['(?s)(?:.|\\n|\\D|\\S|\\W)+[=~]', almost('a')],
]

export const evilPatterns = evil.map(([pattern, name]) => ({ pattern, name }))
