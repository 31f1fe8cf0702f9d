/**
 * Waits until every piece of work has ended, then gives their results, or throws what the first rejected one threw. Unlike
 * `Promise.all` it leaves nothing running: a call that is still on its way when a function answers would be sent by a
 * frozen process, thawed long after its lease (CORE.md 1.4).
 */
export async function allDone<T extends readonly unknown[]>(
  work: readonly [...{ [K in keyof T]: Promise<T[K]> | T[K] }],
): Promise<T> {
  const settled = await Promise.allSettled(work.map(async (one: unknown) => one))
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  return settled.map((one) => (one.status === 'fulfilled' ? one.value : undefined)) as unknown as T
}
