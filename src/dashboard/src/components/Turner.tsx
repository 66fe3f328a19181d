import { Button, Stack } from '@mui/material';

interface TurnerProps {
    /** From zero. */
    page: number;
    hasNext: boolean;
    onPage: (page: number) => void;
}

/** The pages of a list whose length nobody tells. */
export function Turner({ page, hasNext, onPage }: TurnerProps) {
    if (page === 0 && !hasNext) return null;
    return (
        <Stack direction="row" spacing={1} sx={{ justifyContent: 'center', alignItems: 'center' }}>
            <Button
                disabled={page === 0}
                onClick={() => {
                    onPage(page - 1);
                }}
            >
                Previous
            </Button>
            <span>Page {page + 1}</span>
            <Button
                disabled={!hasNext}
                onClick={() => {
                    onPage(page + 1);
                }}
            >
                Next
            </Button>
        </Stack>
    );
}
