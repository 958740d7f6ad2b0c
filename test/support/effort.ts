/**
 * How hard tests look that try many examples: TEST_EFFORT=8 tries eight times as many, for some minutes. `npm run
 * test:unit` tries a fifth of them where all would take seconds.
 */
export function runs(usual: number): number {
  return Math.ceil(usual * Number(process.env.TEST_EFFORT ?? 1))
}
