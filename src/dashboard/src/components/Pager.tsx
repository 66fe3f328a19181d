import { Box, Pagination } from '@mui/material';

interface PagerProps {
    /** From zero. */
    page: number;
    rows: number;
    total: number;
    onPage: (page: number) => void;
}

/** The pages of a list, where it has more than one. */
export function Pager({ page, rows, total, onPage }: PagerProps) {
    const count = Math.ceil(total / rows);
    if (count <= 1 && page === 0) return null;
    return (
        <Box sx={{ display: 'flex', justifyContent: 'center' }}>
            <Pagination
                page={page + 1}
                count={count}
                onChange={(_event, next) => {
                    onPage(next - 1);
                }}
            />
        </Box>
    );
}
