import type { Storage } from './storage.ts'

/**
 * A storage that says of which incident a record was put. Deployed, the table's stream says it; this stands in its place where
 * a table has none.
 */
export function watched(storage: Storage, onRecord: (incidentId: string) => void): Storage {
  return {
    ...storage,
    async put(item, condition) {
      const result = await storage.put(item, condition)
      if (result.is === 'put' && item.sk.startsWith('REC#') && item.pk.startsWith('INC#'))
        onRecord(item.pk.slice('INC#'.length))
      return result
    },
  }
}
