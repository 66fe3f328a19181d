const SMALL = 0.01;

const usual = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 2,
    maximumFractionDigits: 4,
});
const small = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: 2,
    maximumFractionDigits: 9,
});

/**
 * Dollars to be read. Amounts come as exact text or as numbers; they are only shown here, never
 * computed with.
 */
export function formatUsd(amount: string | number | null | undefined): string {
    if (amount === null || amount === undefined) return '–';
    const size = Math.abs(Number(amount));
    const format = size !== 0 && size < SMALL ? small : usual;
    // Text is formatted as the exact decimal that it is.
    return format.format(amount as Intl.StringNumericLiteral);
}

/** Every digit that there is, for details. */
export function formatExactUsd(amount: string | number): string {
    return small.format(amount as Intl.StringNumericLiteral);
}

const plain = new Intl.NumberFormat('en-US', { useGrouping: false, maximumFractionDigits: 9 });

/** Dollars as they stand in an input: digits only. */
export function plainUsd(amount: string | number | null | undefined): string {
    if (amount === null || amount === undefined) return '';
    return plain.format(amount as Intl.StringNumericLiteral);
}
