/** The parts of a text between commas and blanks. */
export function partsOf(text: string): string[] {
    return text.split(/[\s,]+/).filter((part) => part !== '');
}

/** A list as it stands in an input. */
export function textOf(parts: string[]): string {
    return parts.join(', ');
}
