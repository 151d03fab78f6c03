type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** An element with attributes and children; `true` stands for an attribute without a value, `false` for none. Text is only ever text. */
export function make<Name extends keyof HTMLElementTagNameMap> (name: Name, attributes: Attributes = {}, ...children: ReadonlyArray<Node | string>): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(attribute, value === true ? '' : String(value))
  }
  element.append(...children)
  return element
}

export function makeButton (text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const button = make('button', { type: 'button', ...attributes }, text)
  button.addEventListener('click', onClick)
  return button
}

/** A list to choose from; each option is known by its place in it. */
export function makeSelect (options: readonly string[], attributes: Attributes = {}): HTMLSelectElement {
  return make('select', attributes, ...makeOptions(options))
}

export function makeOptions (options: readonly string[]): HTMLOptionElement[] {
  return options.map((option, index) => make('option', { value: index }, option))
}

let ids = 0

export function freshId (): string {
  return `f${++ids}`
}
