const whole = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

const BYTE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
const BYTES_PER_UNIT = 1024;

export function formatCount(count: number): string {
    return whole.format(count);
}

export function formatCompact(count: number): string {
    return compact.format(count);
}

/** Of 100. */
export function formatPercent(value: number): string {
    return `${percent.format(value)} %`;
}

export function formatMs(ms: number | null): string {
    return ms === null ? '–' : `${whole.format(ms)} ms`;
}

export function formatBytes(bytes: number): string {
    let size = bytes;
    let unit = 0;
    while (size >= BYTES_PER_UNIT && unit < BYTE_UNITS.length - 1) {
        size /= BYTES_PER_UNIT;
        unit += 1;
    }
    return `${percent.format(size)} ${BYTE_UNITS[unit] ?? ''}`;
}
