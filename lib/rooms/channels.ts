/*
 * What the registry asks adapters to carry: a channel for each room, one for all processes, and one for each process. Names of rooms are of any characters, so the first one tells.
 */
const room = '='
const process = '@'

/** To all processes. */
export const everyNode = process

export function roomChannel (name: string): string {
  return room + name
}

export function nodeChannel (node: string): string {
  return process + node
}

/** The room of a channel; null where it is none of a room. */
export function roomOf (channel: string): string | null {
  return channel.startsWith(room) ? channel.slice(1) : null
}
