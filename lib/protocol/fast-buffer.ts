/** Methods that every Buffer of Node has and its types leave out: what `toString` and `write` call after looking at their arguments. */
export interface FastBuffer extends Buffer {
  utf8Slice (start: number, end: number): string
  latin1Slice (start: number, end: number): string
  ucs2Slice (start: number, end: number): string
  utf8Write (text: string, offset: number, length: number): number
  latin1Write (text: string, offset: number, length: number): number
}
