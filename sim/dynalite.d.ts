declare module 'dynalite' {
  import type { Server } from 'node:http'

  interface Options {
    /** The LevelDB folder; in memory without it. */
    readonly path?: string
    readonly createTableMs?: number
    readonly deleteTableMs?: number
    readonly updateTableMs?: number
  }

  /** Not listening yet. Closing it closes the database too. */
  export default function dynalite(options?: Options): Server
}
