type IsUnion<T, Whole = T> = T extends unknown ? ([Whole] extends [T] ? false : true) : never

type IsLiteral<T> =
  [T] extends [string] ? (string extends T ? false : true)
    : [T] extends [number] ? (number extends T ? false : true)
        : false

/** `true` when `Literal` names exactly one member of the union. */
type NamesOneMember<Message, Key extends PropertyKey, Literal> =
  [Extract<Message, Record<Key, Literal>>] extends [never]
    ? false
    : IsUnion<Extract<Message, Record<Key, Literal>>> extends false ? true : false

type NamesEachMember<Message, Key extends keyof Message> =
  IsLiteral<Message[Key]> extends true
    ? false extends { [Literal in Message[Key] & (string | number)]: NamesOneMember<Message, Key, Literal> }[Message[Key] & (string | number)]
      ? false
      : true
    : false

/** The properties that all members declare; an index signature (`additionalProperties`) is none. */
type KeysOf<Message> = keyof { [Key in keyof Message as string extends Key ? never : number extends Key ? never : Key]: unknown }

/** The properties that tell the members of a union apart: a distinct string or number literal in each. */
export type DiscriminatorOf<Message, Key = KeysOf<Message>> = [Message] extends [object]
  ? Key extends keyof Message
    ? NamesEachMember<Message, Key> extends true ? Key : never
    : never
  : never

/** The literals of the properties that tell the members of a union apart. */
export type LiteralOf<Message, Key = DiscriminatorOf<Message>> =
  Key extends keyof Message ? Message[Key] & (string | number) : never
