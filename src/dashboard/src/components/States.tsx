import { Alert, Box, Button, Skeleton, Stack, Typography } from '@mui/material';
import type { ReactNode } from 'react';

/** What a part of a page keeps free, so that nothing jumps when its content comes. */
const HEIGHT_PX = 240;

interface SizedProps {
    height?: number;
}

export function Loading({ height = HEIGHT_PX }: SizedProps) {
    return (
        <Box role="status" aria-label="Loading" sx={{ height }}>
            <Skeleton variant="rounded" height={height} />
        </Box>
    );
}

interface EmptyProps extends SizedProps {
    title: string;
    children?: ReactNode;
}

export function Empty({ title, children, height = HEIGHT_PX }: EmptyProps) {
    return (
        <Stack sx={{ minHeight: height, alignItems: 'center', justifyContent: 'center', p: 2 }}>
            <Typography component="p" sx={{ fontWeight: 600 }}>
                {title}
            </Typography>
            {children !== undefined && (
                <Typography component="div" variant="body2" color="textSecondary">
                    {children}
                </Typography>
            )}
        </Stack>
    );
}

interface FailedProps extends SizedProps {
    error: unknown;
    onRetry?: () => void;
}

export function Failed({ error, onRetry, height = HEIGHT_PX }: FailedProps) {
    const retry = onRetry && (
        <Button color="inherit" size="small" onClick={onRetry}>
            Try again
        </Button>
    );
    return (
        <Box sx={{ minHeight: height }}>
            <Alert severity="error" action={retry}>
                {messageOf(error)}
            </Alert>
        </Box>
    );
}

/** An error in words. */
export function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : 'Something went wrong';
}

interface Query<T> {
    data: T | undefined;
    error: unknown;
    refetch: () => unknown;
}

interface LoadedProps<T> extends SizedProps {
    query: Query<T>;
    /** What is shown instead where there is nothing to show. */
    empty?: ReactNode;
    isEmpty?: (data: T) => boolean;
    children: (data: T) => ReactNode;
}

/**
 * What a query gave, or that it is on its way, or why it failed. What was shown before stays while it
 * is asked for anew, with a note if that fails.
 */
export function Loaded<T>({ query, empty, isEmpty, height, children }: LoadedProps<T>) {
    const { data, error } = query;
    const retry = () => void query.refetch();
    if (data === undefined) {
        if (error) return <Failed error={error} onRetry={retry} height={height} />;
        return <Loading height={height} />;
    }
    return (
        <>
            {Boolean(error) && <Failed error={error} onRetry={retry} height={0} />}
            {empty !== undefined && isEmpty?.(data) ? empty : children(data)}
        </>
    );
}
