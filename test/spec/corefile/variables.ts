/** The environment that the examples are read in. */
export const variables: Readonly<Record<string, string>> = {
  SLICEDNS_TEST_ZONE: 'Example.org',
  SLICEDNS_TEST_PORT: '1053',
  SLICEDNS_TEST_WORDS: 'two words',
  SLICEDNS_TEST_X: 'x',
  SLICEDNS_TEST_DIRECTIVE: 'whoami',
  SLICEDNS_TEST_PART: 'observe',
  SLICEDNS_TEST_BRACES: '{ }',
}
