export const people = [
  'Ada', 'Alan', 'Annie', 'Barbara', 'Charles', 'Dennis', 'Donald', 'Edsger', 'Frances', 'Grace', 'Hedy', 'Jean', 'Joan', 'John',
  'Karen', 'Katherine', 'Ken', 'Konrad', 'Leslie', 'Lynn', 'Margaret', 'Mary', 'Niklaus', 'Radia', 'Rózsa', 'Sophie', 'Tony'
]

/** In a colour that belongs to the name. */
export function somebody (name) {
  let hue = 0
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360
  return { name: name.trim().slice(0, 24) || 'Nobody', hue }
}

export function urlOf ({ name, hue }) {
  return `/presence?name=${encodeURIComponent(name)}&hue=${hue}`
}
