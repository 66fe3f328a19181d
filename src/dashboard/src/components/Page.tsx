import { Box, Stack, Typography } from '@mui/material';
import { useEffect, type ReactNode } from 'react';

interface PageProps {
    title: string;
    /** One sentence on what the page is for. */
    about?: ReactNode;
    /** Choices and buttons beside the title. */
    actions?: ReactNode;
    children: ReactNode;
}

/** The frame of every page: its title, also in the browser's tab, and what can be done with it. */
export function Page({ title, about, actions, children }: PageProps) {
    useEffect(() => {
        document.title = `${title} – BudgetGuard`;
    }, [title]);
    return (
        <Stack spacing={2}>
            <Stack
                direction={{ xs: 'column', md: 'row' }}
                spacing={2}
                sx={{ justifyContent: 'space-between', alignItems: { md: 'center' } }}
            >
                <Box>
                    <Typography variant="h1">{title}</Typography>
                    {about !== undefined && (
                        <Typography variant="body2" color="textSecondary">
                            {about}
                        </Typography>
                    )}
                </Box>
                {actions !== undefined && (
                    <Stack direction="row" useFlexGap spacing={1} sx={{ flexWrap: 'wrap' }}>
                        {actions}
                    </Stack>
                )}
            </Stack>
            {children}
        </Stack>
    );
}
