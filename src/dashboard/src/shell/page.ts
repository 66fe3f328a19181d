/** The page of a list that an address asks for, from zero. */
export function pageOf(params: URLSearchParams): number {
    const page = Number(params.get('page'));
    return Number.isSafeInteger(page) && page > 0 ? page : 0;
}
