import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { CatalogueFile, Compiled } from '../lib/runbook/catalogue.ts'
import { describe } from '../lib/errors.ts'
import { MAX_FILE_BYTES } from '../lib/runbook/limits.ts'
import { EXIT, Failure } from './exit.ts'
import { printable } from './output.ts'

/** What every runbook needs beside it. */
const SETTINGS = ['services.yaml', 'oncall.yaml', 'policy.yaml']

/** The folder of `--runbooks`, else `./runbooks`. */
export function runbookFolder(options: { readonly cwd: string; readonly runbooks?: string }): string {
  return options.runbooks ?? 'runbooks'
}

/**
 * The YAML files of a folder, without those of folders in it: examples and fixtures are not what is deployed. Throws
 * `Failure` where the folder cannot be read or holds none.
 */
export function readFolder(folder: string, cwd: string): readonly CatalogueFile[] {
  const names = namesIn(folder, cwd)
  if (names.length === 0) {
    throw new Failure(EXIT.usage, 'no-runbooks', `there is no YAML file in ${printable(folder)}`, {
      remedy: 'Name the folder of the runbooks with --runbooks <dir>.',
    })
  }
  return names.map((name) => readOne(join(folder, name), cwd))
}

function namesIn(folder: string, cwd: string): readonly string[] {
  try {
    return readdirSync(resolve(cwd, folder), { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name) && !entry.name.startsWith('.'))
      .map((entry) => entry.name)
      .toSorted()
  } catch (error) {
    throw new Failure(
      EXIT.usage,
      'no-runbooks',
      `the folder ${printable(folder)} cannot be read: ${because(error)}`,
      {
        cause: error,
        remedy: 'Run this in the folder that holds `runbooks`, or name another one with --runbooks <dir>.',
      },
    )
  }
}

/**
 * The files that were named, and the settings that they need: those among them, else those beside each, else those of the
 * folder above, else those of the runbook folder. A folder stands for its files.
 */
export function readNamed(paths: readonly string[], folder: string, cwd: string): readonly CatalogueFile[] {
  const named = paths.flatMap((path) => (isFolder(path, cwd) ? readFolder(path, cwd) : [readOne(path, cwd)]))
  const files = [...new Map(named.map((file) => [resolve(cwd, file.path), file])).values()]
  const present = new Set(files.map((file) => basename(file.path)))
  const places = [
    ...new Set([...files.flatMap(({ path }) => [dirname(path), join(dirname(path), '..')]), folder]),
  ]
  for (const name of SETTINGS.filter((one) => !present.has(one))) {
    const place = places.find((one) => exists(join(one, name), cwd))
    if (place !== undefined) files.push(readOne(join(place, name), cwd))
  }
  return files
}

function isFolder(path: string, cwd: string): boolean {
  try {
    return statSync(resolve(cwd, path)).isDirectory()
  } catch {
    return false
  }
}

function exists(path: string, cwd: string): boolean {
  return statSync(resolve(cwd, path), { throwIfNoEntry: false })?.isFile() ?? false
}

/** A file that is too large is read only as far as is needed to say so. */
function readOne(path: string, cwd: string): CatalogueFile {
  return { path: path.replace(/^\.\//, ''), text: readText(path, cwd, MAX_FILE_BYTES + 1) }
}

/** The text of a regular file, or its first bytes. Throws `Failure` with the exit code of a usage error. */
export function readText(path: string, cwd: string, maxBytes: number): string {
  let file: number | undefined
  try {
    file = openSync(resolve(cwd, path), 'r')
    const stats = fstatSync(file)
    // A pipe or a device might never end.
    if (!stats.isFile()) throw new Failure(EXIT.usage, 'unreadable-file', 'it is not a regular file')
    const bytes = Buffer.alloc(Math.min(stats.size, maxBytes))
    let filled = 0
    while (filled < bytes.length) {
      const count = readSync(file, bytes, filled, bytes.length - filled, filled)
      if (count === 0) break
      filled += count
    }
    return textOf(bytes.subarray(0, filled))
  } catch (error) {
    throw new Failure(EXIT.usage, 'unreadable-file', `${printable(path)} cannot be read: ${because(error)}`, {
      cause: error,
    })
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** UTF-8, but for the UTF-16 that PowerShell writes when it redirects, which its byte order mark tells. */
function textOf(bytes: Buffer): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le') : bytes.toString('utf8')
}

/** Why a file could not be read or written, in words. */
export function because(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return WORDS[code] ?? (error instanceof Failure ? error.message : describe(error))
}

const WORDS: { readonly [code: string]: string } = {
  ENOENT: 'there is none of that name',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'you have no permission',
  EEXIST: 'it exists already',
  ENOSPC: 'the disk is full',
  EROFS: 'the disk is read-only',
}

/** Compiles files; the language and its schemas are loaded only for this. */
export async function compile(files: readonly CatalogueFile[]): Promise<Compiled> {
  const { compileCatalogue } = await import('../lib/runbook/catalogue.ts')
  return compileCatalogue(files)
}
