/** Whether two types are the same, not merely assignable to each other. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

/** `expectTypeOf(value).toBe<Expected>()` compiles only where the value's type is exactly the expected one. */
export function expectTypeOf<Actual> (_value: Actual) {
  return {
    toBe<Expected> (..._mismatch: Equal<Actual, Expected> extends true ? [] : [actual: Actual, expected: Expected]): void {}
  }
}
