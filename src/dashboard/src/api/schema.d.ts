// Made by `npm run generate` from the document of the API.

export interface paths {
    "/admin/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The alerts of all tenants and of the installation. */
        get: operations["alertsOfAll"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/alerts/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a message that says it is a test, once, and tells whether it arrived. */
        post: operations["testAlertWebhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/apikey/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a key. */
        delete: operations["deactivateKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/apikey/{id}/budgets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The budgets of a key, and what they stand at. */
        get: operations["listKeyBudgets"];
        put?: never;
        /** Sets budgets of a key. */
        post: operations["setKeyBudgets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/apikey/{id}/ratelimit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a key may ask for. */
        get: operations["showKeyRateLimit"];
        /** Sets what a key may ask for. */
        put: operations["setKeyRateLimit"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was done, newest first. */
        get: operations["auditLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/budget-health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every budget of the installation, of tenants, keys and tags that is in force now, and the budgets that
         *     sessions have for themselves, of those the thousand that were used last.
         */
        get: operations["budgetHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/budget/tag/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes a budget of a tag. */
        put: operations["updateTagBudget"];
        post?: never;
        /** Deletes a budget of a tag. */
        delete: operations["deleteTagBudget"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/budget/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes a budget. */
        put: operations["updateBudget"];
        post?: never;
        /** Deletes a budget. */
        delete: operations["deleteBudget"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/budgets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The budgets of the whole installation, and what they stand at. */
        get: operations["listInstallationBudgets"];
        put?: never;
        /** Sets budgets of the whole installation. */
        post: operations["setInstallationBudgets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/model-pricing": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All prices in force, now or at an instant; those that match where something is asked for, a part of
         *     them when `page` or `limit` is given.
         */
        get: operations["listPrices"];
        put?: never;
        /** Adds a model. */
        post: operations["createPrice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/model-pricing/{idOrModel}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Changes what is in force at the instant from which the change is to hold. A retired model has a price
         *     again from then on.
         */
        put: operations["updatePrice"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/model-pricing/{idOrModel}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every version of a price, the last to begin first. */
        get: operations["priceHistory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/model-pricing/{idOrModel}/retire": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** From an instant on the model has no price: where a budget applies it is refused. */
        post: operations["retirePrice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/providers/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether each provider answers. */
        get: operations["providersStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/providers/{provider}/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether a provider answers. */
        get: operations["providerHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/providers/{provider}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries a key of a provider. */
        post: operations["testProviderKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is logged in. */
        get: operations["whoAmI"];
        put?: never;
        /** Logs in, for a cookie. */
        post: operations["logIn"];
        /** Logs out. */
        delete: operations["logOut"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/session/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes one's own password. All one's sessions end, and this one begins anew. */
        put: operations["setOwnPassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/sessions/{session}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A session's ledger rows, newest first. Ids are unique within a tenant: `tenantId` says whose is
         *     meant where several have the same.
         */
        get: operations["sessionUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How the installation is: stores, spool, queue, providers, replicas and settings. It costs nobody
         *     anything: no provider is asked.
         */
        get: operations["installationStatus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All tenants; a part of them when `page` or `limit` is given. */
        get: operations["listTenants"];
        put?: never;
        /** Makes a tenant. */
        post: operations["createTenant"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A tenant. */
        get: operations["showTenant"];
        /** Changes a tenant. */
        put: operations["updateTenant"];
        post?: never;
        /** Closes the tenant: its keys stop working, its ledger stays. */
        delete: operations["closeTenant"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A tenant's alerts. A closed tenant still has them. */
        get: operations["alertsOfTenant"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/apikeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A tenant's keys, revoked ones too; a closed tenant shows none. */
        get: operations["listKeys"];
        put?: never;
        /** Makes a key. Its text is in this answer only. */
        post: operations["createKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/budgets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The budgets of a tenant, and what they stand at. */
        get: operations["listTenantBudgets"];
        put?: never;
        /** Sets budgets of a tenant. */
        post: operations["setTenantBudgets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/default-session-budget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What each of a tenant's sessions may spend. */
        get: operations["showDefaultSessionBudget"];
        /** Sets what each of a tenant's sessions may spend. */
        put: operations["setDefaultSessionBudget"];
        post?: never;
        /** A tenant's sessions have no budget any more, unless they have their own. */
        delete: operations["removeDefaultSessionBudget"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/policy-bundles": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A tenant's versions, newest first. */
        get: operations["listPolicyBundles"];
        put?: never;
        /** Compiles and keeps a version, which is not in force until it is activated. */
        post: operations["uploadPolicyBundle"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/policy-bundles/deactivate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes the version out of force that is, so that only the installation's policy is asked. */
        post: operations["deactivatePolicyBundle"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/policy-bundles/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts the version in force again that was before the one that is, which counts as never activated. */
        post: operations["rollBackPolicyBundle"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/policy-bundles/{version}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A version with what it is made of. */
        get: operations["showPolicyBundle"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/policy-bundles/{version}/activate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Puts a version in force, in place of the one that is. */
        post: operations["activatePolicyBundle"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/policy-bundles/{version}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What a version alone says to an input. Nothing is changed. */
        post: operations["testPolicyBundle"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/ratelimit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a tenant may ask for. */
        get: operations["showTenantRateLimit"];
        /** Sets what a tenant may ask for. */
        put: operations["setTenantRateLimit"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A tenant's sessions, those that were used last first. The status is live: a page asked for by
         *     status may hold fewer than its limit.
         */
        get: operations["listSessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/sessions/{session}/budget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a session may spend. */
        get: operations["showSessionBudget"];
        /** Sets what a session may spend. */
        put: operations["setSessionBudget"];
        post?: never;
        /** A session has no budget of its own any more. */
        delete: operations["removeSessionBudget"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/tag-analytics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sums by tag over a time, and the budgets of tags as they stand now; of all tags, or of those that
         *     `tagId` names.
         */
        get: operations["tagAnalytics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/tagging-rules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A tenant's rules, in the order in which they are applied. */
        get: operations["listTaggingRules"];
        put?: never;
        /** Makes a tagging rule. */
        post: operations["createTaggingRule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/tagging-rules/{rule}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes a tagging rule. */
        put: operations["updateTaggingRule"];
        post?: never;
        /** Deletes a tagging rule. */
        delete: operations["deleteTaggingRule"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/tags": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A tenant's tags, by level and name. */
        get: operations["listTags"];
        put?: never;
        /** Makes a tag. */
        post: operations["createTag"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/tags/{tag}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An active tag, with what stands around it. */
        get: operations["showTag"];
        /** Changes a tag. */
        put: operations["updateTag"];
        post?: never;
        /** Deletes a tag without children. */
        delete: operations["deleteTag"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/tags/{tag}/activate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Requests may name the tag again. */
        patch: operations["activateTag"];
        trace?: never;
    };
    "/admin/tenant/{id}/tags/{tag}/budgets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The active budgets of an active tag, newest first. */
        get: operations["listTagBudgets"];
        put?: never;
        /** Makes a budget of a tag. */
        post: operations["createTagBudget"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/tags/{tag}/deactivate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** From now on no request may name the tag. */
        patch: operations["deactivateTag"];
        trace?: never;
    };
    "/admin/tenant/{id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was spent in the present window of each period that the settings name: the figure that
         *     requests are decided by where there is such a budget, else what the ledger has.
         */
        get: operations["currentUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/usage/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was spent on each day; days without any are there too. */
        get: operations["usageByDay"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/usage/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A tenant's rows. A closed tenant still has them. */
        get: operations["ledgerOfTenant"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/tenant/{id}/usage/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was spent on each model, dearest first, without those that cost nothing. */
        get: operations["usageByModel"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/usage/breakdown": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What requests of a time cost by day (UTC), tenant, key, provider, model, route or status, or by two of
         *     them. What is spent by tag is told by the tag analytics.
         */
        get: operations["usageBreakdown"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/usage/ledger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The rows of all tenants. */
        get: operations["ledgerOfAll"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/usage/ledger/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The rows that the page of the ledger would show as a file, oldest first. */
        get: operations["ledgerExport"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/usage/ledger/{requestId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One row of the ledger, with its receipt, what the policy decided, and its place in the chain. */
        get: operations["ledgerEntry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All users, those who are not active too. */
        get: operations["listUsers"];
        put?: never;
        /** Makes a user. */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A user. */
        get: operations["showUser"];
        /** Changes a user. */
        put: operations["updateUser"];
        post?: never;
        /** Nobody is deleted: the audit log names them. */
        delete: operations["deactivateUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/whatif": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tells what other budgets, limits or rules would have done. Nothing is changed. */
        post: operations["askWhatIf"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document. */
        get: operations["document"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/yaml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document, as YAML. */
        get: operations["documentAsYaml"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/download/v1/files/{id}:download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_download_v1_files_id_do_download"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/download/v1beta/files/{id}:download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_download_v1beta_files_id_do_download"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether this process can serve. It costs nobody anything: no provider is asked. */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/detailed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * How this process is: stores, spool, queue, providers and policy, without anything that is secret. It
         *     costs nobody anything: no provider is asked. `/health` tells by its status whether the process serves.
         */
        get: operations["healthDetailed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything that is counted, in the Prometheus text format. */
        get: operations["metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/v1/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        post: operations["post_upload_v1_files"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/upload/v1beta/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        post: operations["post_upload_v1beta_files"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audio/speech": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * speech
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_audio_speech"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audio/transcriptions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * transcription
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_audio_transcriptions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audio/translations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * transcription
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_audio_translations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/batches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of OpenAI or of Google. It costs nothing.
         */
        get: operations["get_v1_batches"];
        put?: never;
        /**
         * batch
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_batches"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/batches/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of OpenAI or of Google. It costs nothing.
         */
        get: operations["get_v1_batches_id"];
        put?: never;
        post?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        delete: operations["delete_v1_batches_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/batches/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of OpenAI. It costs nothing.
         */
        post: operations["post_v1_batches_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/batches/{id}:cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        post: operations["post_v1_batches_id_do_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/budget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the holder of a key may still spend. */
        get: operations["ownBudget"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cachedContents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1_cachedContents"];
        put?: never;
        /**
         * cache_contents
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_cachedContents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/cachedContents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1_cachedContents_id"];
        put?: never;
        post?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        delete: operations["delete_v1_cachedContents_id"];
        options?: never;
        head?: never;
        /**
         * cache_contents
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        patch: operations["patch_v1_cachedContents_id"];
        trace?: never;
    };
    "/v1/chat/completions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * chat
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_chat_completions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/completions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * text_completion
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_completions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/embeddings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * embeddings
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_embeddings"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of OpenAI or of Anthropic or of Google. It costs nothing.
         */
        get: operations["get_v1_files"];
        put?: never;
        /**
         * object
         * @description In the words of OpenAI or of Anthropic. It costs nothing.
         */
        post: operations["post_v1_files"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/files/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of OpenAI or of Anthropic or of Google. It costs nothing.
         */
        get: operations["get_v1_files_id"];
        put?: never;
        post?: never;
        /**
         * object
         * @description In the words of OpenAI or of Anthropic or of Google. It costs nothing.
         */
        delete: operations["delete_v1_files_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/files/{id}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of OpenAI or of Anthropic. It costs nothing.
         */
        get: operations["get_v1_files_id_content"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/files/{id}:download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1_files_id_do_download"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/edits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * image_generation
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_images_edits"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/generations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * image_generation
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_images_generations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/images/variations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * image_generation
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_images_variations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * chat
         * @description In the words of Anthropic. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_messages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/batches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Anthropic. It costs nothing.
         */
        get: operations["get_v1_messages_batches"];
        put?: never;
        /**
         * batch
         * @description In the words of Anthropic. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_messages_batches"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/batches/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Anthropic. It costs nothing.
         */
        get: operations["get_v1_messages_batches_id"];
        put?: never;
        post?: never;
        /**
         * object
         * @description In the words of Anthropic. It costs nothing.
         */
        delete: operations["delete_v1_messages_batches_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/batches/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of Anthropic. It costs nothing.
         */
        post: operations["post_v1_messages_batches_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/batches/{id}/results": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Anthropic. It costs nothing.
         */
        get: operations["get_v1_messages_batches_id_results"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/messages/count_tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * count_tokens
         * @description In the words of Anthropic. It costs nothing.
         */
        post: operations["post_v1_messages_count_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * list_models
         * @description In the words of OpenAI or of Anthropic or of Google. It costs nothing.
         */
        get: operations["get_v1_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * list_models
         * @description In the words of OpenAI or of Anthropic or of Google. It costs nothing.
         */
        get: operations["get_v1_models_model"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}:asyncBatchEmbedContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * batch
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_models_model_do_asyncBatchEmbedContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}:batchEmbedContents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * embeddings
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_models_model_do_batchEmbedContents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}:batchGenerateContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * batch
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_models_model_do_batchGenerateContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}:countTokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * count_tokens
         * @description In the words of Google. It costs nothing.
         */
        post: operations["post_v1_models_model_do_countTokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}:embedContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * embeddings
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_models_model_do_embedContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}:generateContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * generate_content
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_models_model_do_generateContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{model}:streamGenerateContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * generate_content
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_models_model_do_streamGenerateContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/moderations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * moderation
         * @description In the words of OpenAI. It costs nothing.
         */
        post: operations["post_v1_moderations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/realtime": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * realtime
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        get: operations["get_v1_realtime"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/receipts/{request}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What one request cost and how that came about. */
        get: operations["receipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/responses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * chat
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1_responses"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/responses/compact": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * compaction
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1_responses_compact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/responses/input_tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * count_tokens
         * @description In the words of OpenAI. It costs nothing.
         */
        post: operations["post_v1_responses_input_tokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/responses/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of OpenAI. It costs nothing. It can be answered as a stream.
         */
        get: operations["get_v1_responses_id"];
        put?: never;
        post?: never;
        /**
         * object
         * @description In the words of OpenAI. It costs nothing.
         */
        delete: operations["delete_v1_responses_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/responses/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of OpenAI. It costs nothing.
         */
        post: operations["post_v1_responses_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/responses/{id}/input_items": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of OpenAI. It costs nothing.
         */
        get: operations["get_v1_responses_id_input_items"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of OpenAI. It costs nothing.
         */
        post: operations["post_v1_uploads"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of OpenAI. It costs nothing.
         */
        post: operations["post_v1_uploads_id_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads/{id}/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of OpenAI. It costs nothing.
         */
        post: operations["post_v1_uploads_id_complete"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads/{id}/parts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of OpenAI. It costs nothing.
         */
        post: operations["post_v1_uploads_id_parts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/batches": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_batches"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/batches/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_batches_id"];
        put?: never;
        post?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        delete: operations["delete_v1beta_batches_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/batches/{id}:cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        post: operations["post_v1beta_batches_id_do_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/cachedContents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_cachedContents"];
        put?: never;
        /**
         * cache_contents
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1beta_cachedContents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/cachedContents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_cachedContents_id"];
        put?: never;
        post?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        delete: operations["delete_v1beta_cachedContents_id"];
        options?: never;
        head?: never;
        /**
         * cache_contents
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        patch: operations["patch_v1beta_cachedContents_id"];
        trace?: never;
    };
    "/v1beta/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_files"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/files/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_files_id"];
        put?: never;
        post?: never;
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        delete: operations["delete_v1beta_files_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/files/{id}:download": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * object
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_files_id_do_download"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * list_models
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models/{model}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * list_models
         * @description In the words of Google. It costs nothing.
         */
        get: operations["get_v1beta_models_model"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models/{model}:asyncBatchEmbedContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * batch
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1beta_models_model_do_asyncBatchEmbedContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models/{model}:batchEmbedContents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * embeddings
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1beta_models_model_do_batchEmbedContents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models/{model}:batchGenerateContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * batch
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1beta_models_model_do_batchGenerateContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models/{model}:countTokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * count_tokens
         * @description In the words of Google. It costs nothing.
         */
        post: operations["post_v1beta_models_model_do_countTokens"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models/{model}:embedContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * embeddings
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1beta_models_model_do_embedContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models/{model}:generateContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * generate_content
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1beta_models_model_do_generateContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/models/{model}:streamGenerateContent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * generate_content
         * @description In the words of Google. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1beta_models_model_do_streamGenerateContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/openai/chat/completions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * chat
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered. It can be answered as a stream.
         */
        post: operations["post_v1beta_openai_chat_completions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/openai/embeddings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * embeddings
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1beta_openai_embeddings"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/openai/images/generations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * image_generation
         * @description In the words of OpenAI. Held on every budget that counts it before it is sent, and charged by what is answered.
         */
        post: operations["post_v1beta_openai_images_generations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/openai/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * list_models
         * @description In the words of OpenAI. It costs nothing.
         */
        get: operations["get_v1beta_openai_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1beta/openai/models/{model}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * list_models
         * @description In the words of OpenAI. It costs nothing.
         */
        get: operations["get_v1beta_openai_models_model"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        ActionsBody: {
            tags: components["schemas"]["RuleTagBody"][];
        };
        /** @description An alert as programs read it, in webhooks and in the admin API. Amounts are exact decimals. */
        AlertBody: {
            budgetId: components["schemas"]["BudgetId"];
            /** @description Only where the budget is one that counts and refuses nothing: `shadow`. */
            enforcement?: string | null;
            id: components["schemas"]["AlertId"];
            limitUsd: string;
            period: string;
            /** Format: date-time */
            raisedAt: string;
            scope: string;
            /**
             * Format: int64
             * @description The row of the tenant, key or tag; the installation has none.
             */
            scopeId: number | null;
            spentUsd: string;
            /** @description The tag's present path. */
            tagPath: string | null;
            /** @description The tenant's present name. */
            tenant: string | null;
            tenantId: null | components["schemas"]["TenantId"];
            threshold: components["schemas"]["Percent"];
            /** Format: date-time */
            windowEnd: string | null;
            /**
             * Format: date-time
             * @description Nothing for a period without beginning and end.
             */
            windowStart: string | null;
        };
        /**
         * Format: int64
         * @description An alert.
         * @example 1
         */
        AlertId: number;
        /** @description A budget that there is, changed. */
        AlteredBudget: components["schemas"]["BudgetRest"] & {
            amountUsd?: null | components["schemas"]["Amount"];
            budgetId: components["schemas"]["IdAsked"];
            period?: null | ("hourly" | "daily" | "weekly" | "monthly" | "custom" | "total");
        };
        /** @description Dollars, with at most nine decimal places. */
        Amount: number | string;
        /** @description Everything at once, as the start page of the dashboard shows it. */
        AnalyticsBody: {
            activeTags: number;
            budgetHealth: components["schemas"]["BudgetHealthBody"][];
            criticalBudgets: number;
            hierarchy: components["schemas"]["TagNodeBody"][];
            /** Format: int64 */
            totalRequests: number;
            totalUsage: components["schemas"]["UsdNumber"];
            /** @description Always empty; clients read it. */
            trends: Record<string, never>[];
            usage: components["schemas"]["TagUsageBody"][];
        };
        /**
         * Format: int64
         * @description An API key.
         * @example 1
         */
        ApiKeyId: number;
        AskedBudgetBody: {
            amountUsd: components["schemas"]["UsdText"];
            apiKeyId?: null | components["schemas"]["ApiKeyId"];
            budgetId: null | components["schemas"]["BudgetId"];
            /** Format: int64 */
            charged: number;
            enforcement: string;
            /** Format: date-time */
            firstRefusedAt: string | null;
            highestUseUsd: components["schemas"]["UsdText"];
            models: string[];
            period: string;
            providers: string[];
            /** Format: int64 */
            refused: number;
            scope: string;
            tagId?: null | components["schemas"]["TagId"];
            tenantId?: null | components["schemas"]["TenantId"];
            /** Format: int64 */
            wouldHaveRefused: number;
        };
        AskedKeyBody: components["schemas"]["SumsBody"] & {
            apiKeyId: components["schemas"]["ApiKeyId"];
            tenantId: components["schemas"]["TenantId"];
        };
        /** @description Limits of a tenant or of a key; 0 is unlimited, and what is left out stays. */
        AskedRateLimit: {
            apiKeyId?: null | components["schemas"]["IdAsked"];
            maxConcurrent?: null | components["schemas"]["RateLimit"];
            rateLimitPerMin?: null | components["schemas"]["RateLimit"];
            tenantId?: null | components["schemas"]["IdAsked"];
            tokensPerMin?: null | components["schemas"]["RateLimit"];
        };
        AskedTenantBody: components["schemas"]["SumsBody"] & {
            tenant: string | null;
            tenantId: components["schemas"]["TenantId"];
        };
        AuditActorBody: {
            id: null | components["schemas"]["UserId"];
            /** @enum {string} */
            kind: "admin_key" | "user" | "command_line" | "system" | "unknown";
            name: string | null;
        };
        /** @description A page of the log. */
        AuditBody: {
            data: components["schemas"]["AuditEntryBody"][];
            /** @description What `before` is for the next page; nothing on the last one. */
            next: string | null;
        };
        AuditEntryBody: {
            action: string;
            actor: components["schemas"]["AuditActorBody"];
            address: string | null;
            after: Record<string, never> | null;
            /** Format: date-time */
            at: string;
            before: Record<string, never> | null;
            /** Format: int64 */
            id: number;
            target: components["schemas"]["AuditTargetBody"];
            tenantId: null | components["schemas"]["TenantId"];
        };
        AuditTargetBody: {
            id: string | null;
            kind: string;
        };
        /** @description What requests of a time cost by what they have in common. */
        BreakdownBody: {
            by: components["schemas"]["DimensionName"][];
            /**
             * Format: date-time
             * @description The first instant that does not count; nothing where the time goes on.
             */
            end: string | null;
            /** @description What is not among the rows because there are too many. */
            rest: components["schemas"]["BreakdownRestBody"];
            /** @description The dearest, dearest first; in the order of days where there are days. */
            rows: components["schemas"]["BreakdownRowBody"][];
            /** Format: date-time */
            start: string;
            /** @description Rows and rest: the same as the ledger's rows of this time add up to. */
            totals: components["schemas"]["UsageSumsBody"];
        };
        /** @description What is left out. */
        BreakdownRestBody: components["schemas"]["UsageSumsBody"] & {
            /** @description The part of the whole cost. */
            percentage: components["schemas"]["Percentage"];
            /**
             * Format: int64
             * @description How many rows it would be.
             */
            rows: number;
        };
        /** @description Requests that have something in common. What was not asked for is left out. */
        BreakdownRowBody: components["schemas"]["UsageSumsBody"] & {
            apiKeyId?: components["schemas"]["ApiKeyId"];
            apiKeyName?: string;
            apiKeyPrefix?: string;
            /** Format: date */
            day?: string;
            model?: components["schemas"]["ModelName"];
            /** @description The part of the whole cost. */
            percentage: components["schemas"]["Percentage"];
            provider?: components["schemas"]["ProviderName"];
            route?: string;
            /** @enum {string} */
            status?: "success" | "blocked" | "failed" | "aborted" | "interrupted";
            /** @description The tenant's present name. */
            tenant?: string;
            tenantId?: components["schemas"]["TenantId"];
        };
        /** @description A budget of the installation, a tenant or a key. */
        BudgetBody: components["schemas"]["LimitBody"] & {
            apiKeyId?: null | components["schemas"]["ApiKeyId"];
            tenantId?: null | components["schemas"]["TenantId"];
        };
        /** @description What is to change about a budget; what is left out stays. */
        BudgetChange: components["schemas"]["BudgetRest"] & {
            amountUsd?: components["schemas"]["Amount"];
            period?: null | ("hourly" | "daily" | "weekly" | "monthly" | "custom" | "total");
        };
        /** @description Where a budget of a tag stands in its present window: the figure that requests are decided by. */
        BudgetHealthBody: {
            budget: components["schemas"]["UsdNumber"];
            budgetId: components["schemas"]["BudgetId"];
            /** @enum {string} */
            inheritanceMode: "STRICT" | "LENIENT" | "BYPASS";
            percentage: components["schemas"]["Percentage"];
            /** @enum {string} */
            period: "hourly" | "daily" | "weekly" | "monthly" | "custom" | "total";
            /** @enum {string} */
            status: "healthy" | "warning" | "critical" | "exceeded";
            tagId: components["schemas"]["TagId"];
            tagName: string;
            usage: components["schemas"]["UsdNumber"];
            weight: components["schemas"]["WeightNumber"];
        };
        /**
         * Format: int64
         * @description A budget.
         * @example 1
         */
        BudgetId: number;
        /** @description What a budget may have beside period and amount. */
        BudgetRest: {
            alertThresholds?: null | components["schemas"]["ThresholdsAsked"];
            /** @description For custom periods; the day counts as a whole. */
            endDate?: string | null;
            /** @description Whether it refuses, or only counts. */
            enforcement?: null | ("enforce" | "shadow");
            models?: null | components["schemas"]["PatternsAsked"];
            providers?: null | components["schemas"]["PatternsAsked"];
            /** @description For custom periods: a day such as `2026-01-31`, or an instant. */
            startDate?: string | null;
        };
        /**
         * @description A page of budgets, those first of whose limit the largest part is spent, and how many there are of
         *     each kind on all pages.
         */
        BudgetsHealthBody: components["schemas"]["PageBody_BudgetStandingBody"] & {
            /**
             * Format: date-time
             * @description When the figures were read.
             */
            at: string;
            /** @description Of what was asked for, whatever the status. */
            counts: components["schemas"]["HealthCountsBody"];
            thresholds: components["schemas"]["HealthThresholdsBody"];
        };
        /** @description A version of a tenant's policy. */
        BundleBody: {
            /**
             * Format: date-time
             * @description Nothing if it never was activated, or was rolled back.
             */
            activatedAt: string | null;
            /** Format: int64 */
            bytes: number;
            comment: string | null;
            /** Format: date-time */
            createdAt: string;
            createdBy: string;
            isActive: boolean;
            /** @description `rego` or `wasm`. */
            kind: string;
            /** @description The hash of its rules, as ledger rows name it. */
            sha256: string;
            tenantId: components["schemas"]["TenantId"];
            version: components["schemas"]["BundleVersion"];
        };
        /** @description What a version is tried on. */
        BundleTrial: {
            /** @description The input document. */
            input: Record<string, never>;
        };
        /**
         * Format: int64
         * @description A version of a tenant's policy: they count from one.
         * @example 1
         */
        BundleVersion: number;
        /** @description Where a row stands among those of its writer, and whether it still is what was written. */
        ChainPlaceBody: {
            /** @description What the chain hashes to with this row (SHA-256). */
            hash: string;
            /** @description What it hashed to before; nothing where the row before is not in the ledger any more. */
            previousHash: string | null;
            /**
             * Format: int64
             * @description The place; the first row of a writer is number 1.
             */
            seq: number;
            /** @description `intact` where the hash is that of the row and the hash before, `unknown` where that is not there. */
            state: "intact" | "altered" | "unknown";
            /** @description The id of the writer. */
            writer: string;
            writerName: string | null;
        };
        /**
         * @description What would have been. A request that was sent holds what it held then, or what there is room for; it is
         *     refused where there is no room for what it cost, and where it cost nothing, no room at all.
         */
        ChangedBody: {
            /** Format: int64 */
            admitted: number;
            /** @description Of those that were admitted and still would have been. */
            costUsd: components["schemas"]["UsdText"];
            /** Format: int64 */
            newlyAdmitted: number;
            newlyAdmittedCostUsd: null | components["schemas"]["UsdText"];
            /** Format: int64 */
            refused: number;
            refusedByReason: {
                [key: string]: number;
            };
        };
        /** @description What is to change about a user; what is left out stays. */
        ChangedUser: {
            isActive?: boolean | null;
            /** @description Unlike those of all other users, in any case. */
            name?: string;
            password?: string | null;
            role?: null | components["schemas"]["Role"];
        };
        /** @description How it went. */
        CheckBody: {
            error?: string | null;
            healthy: boolean;
            /**
             * Format: int64
             * @description In milliseconds since 1970.
             */
            lastChecked: number;
            /**
             * Format: int64
             * @description In milliseconds; absent where nobody was asked.
             */
            responseTime?: number | null;
        };
        ConditionsBody: {
            apiKeyIds: components["schemas"]["ApiKeyId"][];
            headers: {
                [key: string]: string[];
            };
            models: string[];
            routes: string[];
        };
        CountBody: {
            /** Format: int64 */
            usage: number;
        };
        /** @description What rules say to an input. */
        DecisionBody: {
            allow: boolean;
            /** Format: int64 */
            maxOutputTokens: number | null;
            model: string | null;
            reason: string | null;
            tagsRequired: string[];
        };
        /** @description What a tenant's sessions may spend. */
        DefaultBody: {
            defaultSessionBudgetUsd: null | components["schemas"]["UsdNumber"];
            removed?: boolean | null;
            /** Format: int64 */
            sessionCount?: number | null;
            tenantId: components["schemas"]["TenantId"];
            tenantName: string;
        };
        DeliveryBody: {
            /** Format: int32 */
            attempts: number;
            /** Format: date-time */
            deliveredAt: string | null;
            lastError: string | null;
            /** Format: date-time */
            nextAttemptAt: string | null;
            /** @enum {string} */
            state: "delivered" | "pending" | "given_up" | "none";
        };
        Dependencies: {
            database: boolean;
            providers: components["schemas"]["Providers"];
            redis: boolean;
        };
        /** @enum {string} */
        DimensionName: "day" | "tenant" | "key" | "provider" | "model" | "route" | "status";
        /** @description A change was made. */
        Done: {
            ok: boolean;
        };
        /** @description Why a request failed. */
        ErrorBody: {
            /** @description What is wrong, in words for people. */
            error: string;
        };
        /**
         * @description What the window will have come to at its end if it goes on as it went so far: what is spent and held,
         *     over the time that is over, times the length of the window, rounded up.
         */
        ForecastBody: {
            percent: components["schemas"]["Percentage"];
            /** @enum {string} */
            status: "healthy" | "warning" | "critical" | "exceeded";
            usd: components["schemas"]["UsdText"];
        };
        /**
         * @description What the process depends on. `ok` with a database that is away would be untrue, even while a
         *     gateway serves from what it knows.
         */
        HealthBody: {
            dependencies: components["schemas"]["Dependencies"];
            ok: boolean;
        };
        /** @description How many budgets stand how. */
        HealthCountsBody: {
            /** Format: int64 */
            critical: number;
            /** Format: int64 */
            exceeded: number;
            /** Format: int64 */
            healthy: number;
            /** Format: int64 */
            warning: number;
        };
        /** @description How this process is, part by part. */
        HealthDetailedBody: {
            /** @description Whether it is stopping. */
            draining: boolean;
            /** @description Whether it serves and everything that it depends on can be reached. */
            ok: boolean;
            policy: components["schemas"]["PolicyStatusBody"];
            providers: components["schemas"]["UpstreamStatusBody"][];
            queue: null | components["schemas"]["QueueStatusBody"];
            /** @description Requests that hold money. */
            reservationsOpen: number;
            /** @description Whether it serves: `/health` answers 200. */
            serves: boolean;
            spool: components["schemas"]["SpoolStatusBody"];
            /** Format: date-time */
            startedAt: string;
            stores: components["schemas"]["StoreStatusBody"][];
            /** Format: int64 */
            uptimeSeconds: number;
            version: string;
        };
        /** @description From which part of the limit on, in percent, a budget has which status. */
        HealthThresholdsBody: {
            /** Format: int32 */
            critical: number;
            /** Format: int32 */
            exceeded: number;
            /** Format: int32 */
            warning: number;
        };
        /** @description The id of something that the tenant has. */
        IdAsked: number | string;
        /** @description How the installation is, as the replica that answers knows it. */
        InstallationStatusBody: {
            /** @description Whether everything that this replica depends on can be reached. */
            healthy: boolean;
            providers: components["schemas"]["UpstreamStatusBody"][];
            queue: null | components["schemas"]["QueueStatusBody"];
            /** @description Who writes the ledger, or did, those that wrote last first; at most a hundred. */
            replicas: components["schemas"]["ReplicaBody"][];
            /** @description What was set, as this replica read it at its start. */
            settings: components["schemas"]["SettingBody"][];
            spool: components["schemas"]["SpoolStatusBody"];
            /** Format: date-time */
            startedAt: string;
            stores: components["schemas"]["StoreStatusBody"][];
            /** Format: int64 */
            uptimeSeconds: number;
            version: string;
        };
        /** @description A key as lists show it. */
        KeyBody: {
            /** Format: date-time */
            createdAt: string;
            id: components["schemas"]["ApiKeyId"];
            isActive: boolean;
            /** Format: date-time */
            lastUsedAt?: string | null;
            name: string;
            prefix: string;
        };
        /**
         * @description A page, and where the next one begins: asking by it costs the same however far down it is, and rows that
         *     are written meanwhile move nothing.
         */
        LedgerBody: components["schemas"]["PageBody_RowBody"] & {
            /** @description Whether `total` is all there are; otherwise there are at least so many. */
            isTotalExact: boolean;
            nextCursor: string | null;
        };
        /** @description A row with its receipt and its place in the chain of whoever wrote it. */
        LedgerEntryBody: components["schemas"]["RowBody"] & {
            /** @description The name of the key; nothing where it has none. */
            apiKeyName: string | null;
            /** @description What the text of the key begins with. */
            apiKeyPrefix: string | null;
            chain: null | components["schemas"]["ChainPlaceBody"];
            /** @description As its tenant gets it. */
            receipt: components["schemas"]["Receipt"];
        };
        /** @description What every budget shows. `endDate` is the last millisecond that counts. */
        LimitBody: {
            alertThresholds: null | components["schemas"]["ThresholdsAsked"];
            amountUsd: components["schemas"]["UsdText"];
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            endDate: string | null;
            /** @description Whether it refuses, or only counts. */
            enforcement: "enforce" | "shadow";
            id: components["schemas"]["BudgetId"];
            models: string[];
            /** @enum {string} */
            period: "hourly" | "daily" | "weekly" | "monthly" | "custom" | "total";
            providers: string[];
            /** Format: date-time */
            startDate: string | null;
            /** Format: date-time */
            updatedAt: string;
        };
        /** @description An alert and how far its webhook is. */
        ListedBody: components["schemas"]["AlertBody"] & {
            delivery: components["schemas"]["DeliveryBody"];
        };
        /** @description The admin key, or the name and the password of a user. */
        Login: {
            adminKey?: string | null;
            name?: string | null;
            password?: string | null;
        };
        /** @description Who is logged in. Changes need the token in the `X-CSRF-Token` header. */
        LoginSessionBody: {
            /** @enum {string} */
            actor: "admin_key" | "user" | "command_line" | "system" | "unknown";
            /** @description Nothing where the admin key came with the request itself. */
            csrfToken: string | null;
            /** Format: date-time */
            expiresAt: string | null;
            name: string | null;
            role: components["schemas"]["Role"];
            userId: null | components["schemas"]["UserId"];
        };
        /** @description The name of a model, as callers and price lists write it. */
        ModelName: string;
        /** @description A new key. */
        NamedKey: {
            /** @description What people call it. */
            name?: string | null;
        };
        /** @description A budget. */
        NewBudget: components["schemas"]["BudgetRest"] & {
            amountUsd: components["schemas"]["Amount"];
            /** @enum {string} */
            period: "hourly" | "daily" | "weekly" | "monthly" | "custom" | "total";
        };
        /** @description Budgets, each with its own period and choice of calls. Those that exist are replaced. */
        NewBudgets: {
            budgets: components["schemas"]["NewBudget"][];
        };
        /** @description A new version of a policy: either texts in Rego or a module that OPA compiled. */
        NewBundle: {
            /** @description What is said of it. */
            comment?: string | null;
            /**
             * @description Texts in Rego by the names of their files; those that end in `_test.rego` are kept and not evaluated.
             *     At most 32 files and 64 KiB.
             */
            files?: {
                [key: string]: string;
            } | null;
            /** @description A module that `opa build -t wasm` made, in base64; at most 1 MiB. */
            module?: string | null;
        };
        /** @description A key that was just made. */
        NewKeyBody: components["schemas"]["KeyBody"] & {
            key: string;
        };
        /** @description A model's price. */
        NewPrice: components["schemas"]["PriceRest"] & {
            cachedInputPrice: components["schemas"]["PriceRate"];
            inputPrice: components["schemas"]["PriceRate"];
            model: string;
            outputPrice: components["schemas"]["PriceRate"];
            /** @description `openai` when it is left out. */
            provider?: null | ("openai" | "anthropic" | "google");
            versionTag: string;
        };
        /** @description One rate. */
        NewRate: {
            aboveInputTokens?: null | components["schemas"]["Tokens"];
            /** @enum {string} */
            kind: "input" | "cached_input" | "cache_write" | "cache_write_1h" | "output" | "reasoning_output" | "audio_input" | "audio_output" | "image_input" | "image_output" | "web_search_call" | "cache_storage";
            price: components["schemas"]["PriceRate"];
            tier?: null | ("standard" | "batch" | "flex" | "priority");
        };
        /** @description A rule that gives tags to requests. */
        NewRule: components["schemas"]["RuleRest"] & {
            actions: components["schemas"]["RuleActions"];
            name: string;
        };
        /** @description A new tag. */
        NewTag: components["schemas"]["TagRest"] & {
            /** @description Without commas and slashes; unlike those of the tenant's other tags. */
            name: string;
        };
        /** @description A budget of a tag. */
        NewTagBudget: components["schemas"]["BudgetRest"] & components["schemas"]["TagBudgetRest"] & {
            amountUsd: components["schemas"]["Amount"];
            /** @enum {string} */
            period: "hourly" | "daily" | "weekly" | "monthly" | "custom" | "total";
        };
        /** @description A new tenant. */
        NewTenant: components["schemas"]["TenantSettings"] & {
            /** @description Unlike those of all other tenants. */
            name: string;
        };
        /** @description A new user. */
        NewUser: {
            /** @description Unlike those of all other users, in any case. */
            name: string;
            password: string;
            role: components["schemas"]["Role"];
        };
        /** @description A limit. The amounts are not told where the installation hides them. */
        OwnLimit: {
            held_usd?: string;
            limit_usd?: string;
            /** @description The models that it counts; all where it is left out. */
            models?: string[];
            /** @description The path of a tag, or the id of a session. */
            name?: string;
            /** @enum {string} */
            period: "hourly" | "daily" | "weekly" | "monthly" | "custom" | "total";
            /** @description The providers that it counts; all where it is left out. */
            providers?: string[];
            remaining_usd?: string;
            /** Format: date-time */
            resets_at: string | null;
            /** @enum {string} */
            scope: "installation" | "tenant" | "key" | "tag" | "session";
            spent_usd?: string;
            /** Format: date-time */
            starts_at: string | null;
        };
        /** @description Limits, in the form that providers have for lists. */
        OwnLimits: {
            data: components["schemas"]["OwnLimit"][];
            object: string;
        };
        /** @description One's own password, and the one that is to be. */
        OwnPassword: {
            currentPassword: string;
            newPassword: string;
        };
        /** @description A page of a list, as it is shown. */
        PageBody_BudgetStandingBody: {
            data: {
                apiKeyId: null | components["schemas"]["ApiKeyId"];
                forecast: null | components["schemas"]["ForecastBody"];
                /** @description The part of the limit that is held. */
                heldPercent: components["schemas"]["Percentage"];
                /** @description What requests under way may still cost. */
                heldUsd: components["schemas"]["UsdText"];
                id: null | components["schemas"]["BudgetId"];
                /** @description Whether it only counts. */
                isShadow: boolean;
                /** @description What neither is spent nor held. */
                leftUsd: components["schemas"]["UsdText"];
                limitUsd: components["schemas"]["UsdText"];
                /** @description The models that it counts; all where there are none. */
                models: string[];
                /**
                 * @description What people call what it limits: nothing for the installation, the path of a tag, the id of a
                 *     session that has no name.
                 */
                name: string;
                /** @description The part of the limit that is spent. */
                percent: components["schemas"]["Percentage"];
                /** @enum {string} */
                period: "hourly" | "daily" | "weekly" | "monthly" | "custom" | "total";
                /** @description The providers that it counts; all where there are none. */
                providers: string[];
                /** @enum {string} */
                scope: "installation" | "tenant" | "key" | "tag" | "session";
                sessionId: string | null;
                spentUsd: components["schemas"]["UsdText"];
                /** @enum {string} */
                status: "healthy" | "warning" | "critical" | "exceeded";
                tagId: null | components["schemas"]["TagId"];
                /** @description The tenant's name. */
                tenant: string | null;
                tenantId: null | components["schemas"]["TenantId"];
                /**
                 * Format: date-time
                 * @description The first instant after the window: when it starts again at nothing, unless the period is
                 *     `custom`. Nothing where it never does.
                 */
                windowEnd: string | null;
                /**
                 * Format: date-time
                 * @description Nothing where it counts from the beginning.
                 */
                windowStart: string | null;
                /**
                 * Format: int64
                 * @description Where it only counts: how many requests of the window it would have refused, as far as the
                 *     replica that answers decided on them and since its start.
                 */
                wouldHaveRefused: number | null;
            }[];
            /** Format: int32 */
            limit: number;
            /** Format: int64 */
            page: number;
            /** Format: int64 */
            total: number;
        };
        /** @description A page of a list, as it is shown. */
        PageBody_BundleBody: {
            data: {
                /**
                 * Format: date-time
                 * @description Nothing if it never was activated, or was rolled back.
                 */
                activatedAt: string | null;
                /** Format: int64 */
                bytes: number;
                comment: string | null;
                /** Format: date-time */
                createdAt: string;
                createdBy: string;
                isActive: boolean;
                /** @description `rego` or `wasm`. */
                kind: string;
                /** @description The hash of its rules, as ledger rows name it. */
                sha256: string;
                tenantId: components["schemas"]["TenantId"];
                version: components["schemas"]["BundleVersion"];
            }[];
            /** Format: int32 */
            limit: number;
            /** Format: int64 */
            page: number;
            /** Format: int64 */
            total: number;
        };
        /** @description A page of a list, as it is shown. */
        PageBody_ListedBody: {
            data: (components["schemas"]["AlertBody"] & {
                delivery: components["schemas"]["DeliveryBody"];
            })[];
            /** Format: int32 */
            limit: number;
            /** Format: int64 */
            page: number;
            /** Format: int64 */
            total: number;
        };
        /** @description A page of a list, as it is shown. */
        PageBody_PriceBody: {
            data: {
                cachedInputPrice: string;
                /** Format: date-time */
                createdAt: string;
                /** Format: date-time */
                effectiveFrom: string;
                id: components["schemas"]["PriceId"];
                inputPrice: string;
                isRetired: boolean;
                /** Format: int64 */
                maxInputTokens: number | null;
                /** Format: int64 */
                maxOutputTokens: number | null;
                mode: string;
                model: components["schemas"]["ModelName"];
                outputPrice: string;
                provider: components["schemas"]["ProviderName"];
                rates: components["schemas"]["RateBody"][];
                source: string;
                /** Format: date-time */
                updatedAt: string;
                versionTag: string;
            }[];
            /** Format: int32 */
            limit: number;
            /** Format: int64 */
            page: number;
            /** Format: int64 */
            total: number;
        };
        /** @description A page of a list, as it is shown. */
        PageBody_RowBody: {
            data: {
                apiKeyId: components["schemas"]["ApiKeyId"];
                attemptOf: string | null;
                /** @enum {string} */
                basis: "measured" | "estimated" | "unknown";
                /** Format: int64 */
                compTok: number;
                /** Format: int64 */
                firstByteMs: number | null;
                heldUsd: components["schemas"]["UsdText"];
                /** Format: int32 */
                httpStatus: number | null;
                id: string;
                /** Format: int64 */
                latencyMs: number;
                model: components["schemas"]["ModelName"];
                modelAsked: null | components["schemas"]["ModelName"];
                modelServed: null | components["schemas"]["ModelName"];
                policy: null | components["schemas"]["PolicyOfRowBody"];
                priceId: null | components["schemas"]["PriceId"];
                /** Format: int64 */
                promptTok: number;
                provider: components["schemas"]["ProviderName"];
                reason: string | null;
                route: string;
                sessionId: string | null;
                /** @enum {string} */
                status: "success" | "blocked" | "failed" | "aborted" | "interrupted";
                streamed: boolean;
                tags: components["schemas"]["TagOfRowBody"][];
                tenant: string;
                tenantId: components["schemas"]["TenantId"];
                /** @enum {string} */
                tier: "standard" | "batch" | "flex" | "priority";
                /** Format: date-time */
                ts: string;
                upstreamRequestId: string | null;
                usd: components["schemas"]["UsdText"];
            }[];
            /** Format: int32 */
            limit: number;
            /** Format: int64 */
            page: number;
            /** Format: int64 */
            total: number;
        };
        /** @description Which part of a list an answer holds: pages count from one. */
        Pagination: {
            /** Format: int32 */
            limit: number;
            /** Format: int64 */
            page: number;
            /** Format: int64 */
            total: number;
            /** Format: int64 */
            totalPages: number;
        };
        PatternsAsked: string[];
        /** @description A part of a limit, in percent. */
        Percent: number;
        /** @description A part of a whole in percent, rounded to one decimal. */
        Percentage: number;
        /** @description What the policy decided: by which rules (SHA-256), in which decision, and what it changed. */
        PolicyOfRowBody: {
            decisionId: string;
            failedOpen: null | ("error" | "timeout" | "busy");
            hash: string;
            /** Format: int64 */
            maxOutputTokens: number | null;
            model: null | components["schemas"]["ModelName"];
        };
        /** @description The installation's rules. */
        PolicyStatusBody: {
            /** @description The SHA-256 of the rules in force. */
            hash: string;
            /** @description Whether their files were changed into something that is no policy: the rules before stay in force. */
            reloadFailed: boolean;
        };
        /**
         * @description A price: the base rates as the original shows them, then all rates. Every rate is in dollars per
         *     million units, exactly.
         */
        PriceBody: {
            cachedInputPrice: string;
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            effectiveFrom: string;
            id: components["schemas"]["PriceId"];
            inputPrice: string;
            isRetired: boolean;
            /** Format: int64 */
            maxInputTokens: number | null;
            /** Format: int64 */
            maxOutputTokens: number | null;
            mode: string;
            model: components["schemas"]["ModelName"];
            outputPrice: string;
            provider: components["schemas"]["ProviderName"];
            rates: components["schemas"]["RateBody"][];
            source: string;
            /** Format: date-time */
            updatedAt: string;
            versionTag: string;
        };
        /**
         * Format: int64
         * @description One version of one model's prices.
         * @example 1
         */
        PriceId: number;
        /** @description Dollars per million units, with at most six decimal places. */
        PriceRate: number | string;
        /** @description What a price may have beside its base rates. */
        PriceRest: {
            /** @description From when on it is in force: a day or an instant; at once when it is left out. */
            effectiveFrom?: string;
            maxInputTokens?: null | components["schemas"]["Tokens"];
            maxOutputTokens?: null | components["schemas"]["Tokens"];
            /** @description What kind of model it is. */
            mode?: string;
            rates?: components["schemas"]["NewRate"][] | null;
        };
        /**
         * @description What is to change about a price; what is left out stays. Model and provider are there to say which one
         *     is meant and cannot be changed.
         */
        PriceUpdate: components["schemas"]["PriceRest"] & {
            cachedInputPrice?: components["schemas"]["PriceRate"];
            inputPrice?: components["schemas"]["PriceRate"];
            model?: string | null;
            outputPrice?: components["schemas"]["PriceRate"];
            provider?: null | ("openai" | "anthropic" | "google");
            versionTag?: string;
        };
        /** @description Rules with a larger one come first. */
        Priority: number | string;
        /** @description One provider by name. */
        ProviderHealthBody: components["schemas"]["StatusBody"] & {
            /** @enum {string} */
            provider: "openai" | "anthropic" | "google";
        };
        /** @description A provider's key that is to be tried. */
        ProviderKey: {
            /**
             * Format: password
             * @description It is used for this one question, and not kept.
             */
            apiKey: string;
        };
        /** @description Who runs a model and sends the bill. */
        ProviderName: string;
        ProviderStatuses: {
            anthropic: components["schemas"]["StatusBody"];
            google: components["schemas"]["StatusBody"];
            openai: components["schemas"]["StatusBody"];
        };
        /** @description One provider with a key that was tried. */
        ProviderTestBody: components["schemas"]["CheckBody"] & {
            /** @enum {string} */
            provider: "openai" | "anthropic" | "google";
        };
        Providers: {
            configured: number;
            healthy: number;
        };
        /** @description What gateways put into the queue and workers have not written yet. */
        QueueStatusBody: {
            /**
             * Format: int64
             * @description Entries that cannot be written.
             */
            dead: number;
            /** Format: int64 */
            entries: number;
            /**
             * Format: int64
             * @description How long the oldest has waited.
             */
            lagMs: number;
            /**
             * Format: int64
             * @description Those of them that a worker has taken.
             */
            pending: number;
        };
        RateBody: {
            /** Format: int64 */
            aboveInputTokens: number;
            /** @enum {string} */
            kind: "input" | "cached_input" | "cache_write" | "cache_write_1h" | "output" | "reasoning_output" | "audio_input" | "audio_output" | "image_input" | "image_output" | "web_search_call" | "cache_storage";
            price: string;
            /** @enum {string} */
            tier: "standard" | "batch" | "flex" | "priority";
        };
        /** @description 0 is unlimited. */
        RateLimit: number | string;
        /** @description 0 is unlimited; `null` the installation's default where there is one, else unlimited. */
        RateLimitBody: {
            /** Format: int32 */
            maxConcurrent: number | null;
            /** Format: int32 */
            rateLimitPerMin: number | null;
            /** Format: int32 */
            tokensPerMin: number | null;
        };
        /** @description What may be asked for at most; one of them has to be given, and `null` is no limit of its own. */
        RateLimitChange: {
            maxConcurrent?: null | components["schemas"]["RateLimit"];
            rateLimitPerMin?: null | components["schemas"]["RateLimit"];
            tokensPerMin?: null | components["schemas"]["RateLimit"];
        };
        /** @description One request. */
        Receipt: {
            attempt_of: string | null;
            /** @enum {string} */
            basis: "measured" | "estimated" | "unknown";
            cost_usd: string;
            /** Format: date-time */
            created_at: string;
            /** Format: int64 */
            first_byte_us: number | null;
            held_usd: string;
            /** Format: int32 */
            http_status: number | null;
            id: string;
            /** Format: int64 */
            latency_us: number;
            /** @description The model that is billed. */
            model: string;
            model_asked: string;
            model_served: string | null;
            object: string;
            policy: null | components["schemas"]["ReceiptPolicy"];
            /** Format: int64 */
            price_id: number | null;
            provider: string;
            reason: string | null;
            route: string;
            /** @enum {string} */
            service_tier: "standard" | "batch" | "flex" | "priority";
            session_id: string | null;
            /** @enum {string} */
            status: "success" | "blocked" | "failed" | "aborted" | "interrupted";
            stream: boolean;
            upstream_request_id: string | null;
            usage: components["schemas"]["ReceiptUnits"][];
        };
        /** @description What the policy said. */
        ReceiptPolicy: {
            decision: string;
            /** @description The request on which it was decided. */
            decision_id: string | null;
            /** @description The rules failed, and the settings let it pass. */
            failed_open?: "error" | "timeout" | "busy";
            /** @description SHA-256 of the rules. */
            hash: string | null;
            /**
             * Format: int64
             * @description The most output tokens that the rules left it.
             */
            max_output_tokens?: number;
            /** @description The model that the rules chose. */
            model?: string;
        };
        /** @description So many units of one kind. */
        ReceiptUnits: {
            /** @enum {string} */
            kind: "input" | "cached_input" | "cache_write" | "cache_write_1h" | "output" | "reasoning_output" | "audio_input" | "audio_output" | "image_input" | "image_output" | "web_search_call" | "cache_storage";
            /** Format: int64 */
            units: number;
        };
        /** @description What was. */
        RecordedBody: {
            /** Format: int64 */
            admitted: number;
            costUsd: components["schemas"]["UsdText"];
            /** Format: int64 */
            refused: number;
            /** Format: int64 */
            requests: number;
        };
        RefusalBody: {
            apiKeyId: components["schemas"]["ApiKeyId"];
            costUsd: components["schemas"]["UsdText"];
            model: components["schemas"]["ModelName"];
            reason: string;
            requestId: string;
            tenantId: components["schemas"]["TenantId"];
            /** Format: date-time */
            timestamp: string;
        };
        /** @description A writer of the ledger: a gateway, a worker, or a command. */
        ReplicaBody: {
            id: string;
            /**
             * Format: date-time
             * @description When its last row was admitted; nothing where that row has left the ledger.
             */
            lastRowAt: string | null;
            name: string;
            /** Format: int64 */
            rows: number;
        };
        /** @description From when on a model has no price. */
        Retirement: {
            /** @description A day or an instant; at once when it is left out. */
            effectiveFrom?: string;
            /** @description Which one is meant where several have the model. */
            provider?: null | ("openai" | "anthropic" | "google");
            versionTag?: string;
        };
        /** @enum {string} */
        Role: "viewer" | "operator" | "admin";
        /** @description A row: the original's fields, then ours. */
        RowBody: {
            apiKeyId: components["schemas"]["ApiKeyId"];
            attemptOf: string | null;
            /** @enum {string} */
            basis: "measured" | "estimated" | "unknown";
            /** Format: int64 */
            compTok: number;
            /** Format: int64 */
            firstByteMs: number | null;
            heldUsd: components["schemas"]["UsdText"];
            /** Format: int32 */
            httpStatus: number | null;
            id: string;
            /** Format: int64 */
            latencyMs: number;
            model: components["schemas"]["ModelName"];
            modelAsked: null | components["schemas"]["ModelName"];
            modelServed: null | components["schemas"]["ModelName"];
            policy: null | components["schemas"]["PolicyOfRowBody"];
            priceId: null | components["schemas"]["PriceId"];
            /** Format: int64 */
            promptTok: number;
            provider: components["schemas"]["ProviderName"];
            reason: string | null;
            route: string;
            sessionId: string | null;
            /** @enum {string} */
            status: "success" | "blocked" | "failed" | "aborted" | "interrupted";
            streamed: boolean;
            tags: components["schemas"]["TagOfRowBody"][];
            tenant: string;
            tenantId: components["schemas"]["TenantId"];
            /** @enum {string} */
            tier: "standard" | "batch" | "flex" | "priority";
            /** Format: date-time */
            ts: string;
            upstreamRequestId: string | null;
            usd: components["schemas"]["UsdText"];
        };
        /** @description What a rule does. */
        RuleActions: {
            tags: components["schemas"]["RuleTag"][];
        };
        /** @description A rule. */
        RuleBody: {
            actions: components["schemas"]["ActionsBody"];
            conditions: components["schemas"]["ConditionsBody"];
            /** Format: date-time */
            createdAt: string;
            id: components["schemas"]["RuleId"];
            isActive: boolean;
            name: string;
            /** Format: int32 */
            priority: number;
            tenantId: components["schemas"]["TenantId"];
            /** Format: date-time */
            updatedAt: string;
        };
        /** @description What is to change about a rule; what is left out stays. */
        RuleChange: components["schemas"]["RuleRest"] & {
            actions?: null | components["schemas"]["RuleActions"];
            name?: string;
        };
        /** @description Which requests a rule is for: all that fit every list that is not empty. */
        RuleConditions: {
            apiKeyIds?: components["schemas"]["IdAsked"][] | null;
            /** @description Patterns of values, by the name of the header. */
            headers?: {
                [key: string]: components["schemas"]["PatternsAsked"];
            } | null;
            models?: null | components["schemas"]["PatternsAsked"];
            routes?: null | components["schemas"]["PatternsAsked"];
        };
        /**
         * Format: int64
         * @description A tagging rule.
         * @example 1
         */
        RuleId: number;
        /** @description What a rule may have beside its name and its tags. */
        RuleRest: {
            conditions?: null | components["schemas"]["RuleConditions"];
            isActive?: boolean | null;
            priority?: null | components["schemas"]["Priority"];
        };
        /** @description A tag that a rule gives. */
        RuleTag: {
            tagId: components["schemas"]["IdAsked"];
            weight?: null | components["schemas"]["WeightAsked"];
        };
        RuleTagBody: {
            tagId: components["schemas"]["TagId"];
            weight: components["schemas"]["WeightNumber"];
        };
        SessionBody: {
            /** Format: date-time */
            createdAt: string;
            currentCostUsd: components["schemas"]["UsdNumber"];
            effectiveBudgetUsd: null | components["schemas"]["UsdNumber"];
            /** Format: date-time */
            lastActiveAt: string;
            metadata: Record<string, never> | null;
            name: string | null;
            path: string | null;
            /** Format: int64 */
            requestCount: number;
            sessionId: string;
            /** @enum {string} */
            status: "active" | "budget_exceeded" | "completed" | "error";
        };
        /** @description What a session may spend. */
        SessionBudget: {
            budgetUsd: components["schemas"]["Amount"];
        };
        /** @description What a session may spend. */
        SessionBudgetBody: {
            budgetSource?: null | components["schemas"]["SourceBody"];
            currentCostUsd: components["schemas"]["UsdNumber"];
            effectiveBudgetUsd: null | components["schemas"]["UsdNumber"];
            reverted?: boolean | null;
            sessionId: string;
            /** @enum {string} */
            status: "active" | "budget_exceeded" | "completed" | "error";
        };
        SessionHeadBody: {
            currentCostUsd: components["schemas"]["UsdNumber"];
            effectiveBudgetUsd: null | components["schemas"]["UsdNumber"];
            name: string | null;
            sessionId: string;
            /** @enum {string} */
            status: "active" | "budget_exceeded" | "completed" | "error";
            tenantId: components["schemas"]["TenantId"];
        };
        SessionRequestBody: {
            /** Format: int64 */
            completionTokens: number;
            id: string;
            model: components["schemas"]["ModelName"];
            /** Format: int64 */
            promptTokens: number;
            route: string;
            /** @enum {string} */
            status: "success" | "blocked" | "failed" | "aborted" | "interrupted";
            tags: components["schemas"]["SessionTagBody"][];
            /** Format: date-time */
            timestamp: string;
            usd: components["schemas"]["UsdNumber"];
        };
        /** @description A tag as a session's requests show it. A deleted one has no name any more. */
        SessionTagBody: {
            color: string | null;
            id: components["schemas"]["TagId"];
            name: string | null;
        };
        /** @description A session's requests. */
        SessionUsageBody: {
            pagination: components["schemas"]["Pagination"];
            session: components["schemas"]["SessionHeadBody"];
            usage: components["schemas"]["SessionRequestBody"][];
        };
        /** @description A page of sessions. */
        SessionsBody: {
            pagination: components["schemas"]["Pagination"];
            sessions: components["schemas"]["SessionBody"][];
        };
        /** @description A budget of one of a tenant, a key or a tag; else of the installation. */
        SetBudget: components["schemas"]["NewBudget"] & {
            apiKeyId?: null | components["schemas"]["IdAsked"];
            tagId?: null | components["schemas"]["IdAsked"];
            tenantId?: null | components["schemas"]["IdAsked"];
        };
        /** @description A setting. What is secret shows only whether it is there. */
        SettingBody: {
            isSecret: boolean;
            key: string;
            /** @enum {string} */
            source: "default" | "file" | "environment";
            /** @description Nothing where it is not set. */
            value: string | null;
        };
        SourceBody: {
            customBudget: null | components["schemas"]["UsdNumber"];
            hasCustomBudget: boolean;
            tenantDefaultBudget: null | components["schemas"]["UsdNumber"];
            tenantName: string;
        };
        /** @description What is on its way to the ledger. */
        SpoolStatusBody: {
            /** Format: int64 */
            bytes: number;
            /** @description Whether requests are still taken. */
            hasRoom: boolean;
            /**
             * Format: date-time
             * @description When the row ended that waits longest.
             */
            oldestWaitingAt: string | null;
            /** @description Requests under way. */
            open: number;
            /** @description Rows that are not in the ledger yet. */
            waiting: number;
        };
        /** @description A budget with what it stands at. A period without an end or a beginning shows none. */
        StandingBody: components["schemas"]["BudgetBody"] & {
            /** Format: date-time */
            currentPeriodEndDate?: string | null;
            /** Format: date-time */
            currentPeriodStartDate?: string | null;
            currentUsage: components["schemas"]["UsdNumber"];
            heldUsd: components["schemas"]["UsdText"];
            isRecurring: boolean;
            /**
             * Format: int64
             * @description Where it only counts: how many requests of the present window it would have refused, as far as the
             *     replica that answers decided on them and since its start. The metric
             *     `budgetguard_shadow_refusals_total` of each replica adds up to those of all.
             */
            wouldHaveRefused?: number | null;
        };
        /** @description A provider, and whether there is a key for it. */
        StatusBody: components["schemas"]["CheckBody"] & {
            configured: boolean;
        };
        /** @description All providers. */
        StatusesBody: {
            providers: components["schemas"]["ProviderStatuses"];
        };
        /** @description Where something is kept. */
        StoreStatusBody: {
            /** @enum {string} */
            kind: "sqlite" | "postgres" | "memory" | "redis";
            reachable: boolean;
            /** @enum {string} */
            role: "ledger" | "budgets" | "queue";
        };
        /** @description A change was made. */
        Success: {
            success: boolean;
        };
        SumsBody: {
            /** Format: int64 */
            admitted: number;
            costUsd: components["schemas"]["UsdText"];
            /** Format: int64 */
            newlyAdmitted: number;
            /** Format: int64 */
            refused: number;
            /** Format: int64 */
            requests: number;
            savedUsd: components["schemas"]["UsdText"];
        };
        /** @description A tag alone. */
        TagBody: {
            color: string | null;
            /** Format: date-time */
            createdAt: string;
            description: string | null;
            id: components["schemas"]["TagId"];
            isActive: boolean;
            level: number;
            metadata: Record<string, never> | null;
            name: string;
            parentId: null | components["schemas"]["TagId"];
            path: string;
            sessionBudgetUsd: null | components["schemas"]["UsdText"];
            tenantId: components["schemas"]["TenantId"];
            /** Format: date-time */
            updatedAt: string;
        };
        /** @description A tag's budget. */
        TagBudgetBody: components["schemas"]["LimitBody"] & {
            /** @enum {string} */
            inheritanceMode: "STRICT" | "LENIENT" | "BYPASS";
            isActive: boolean;
            tagId: null | components["schemas"]["TagId"];
            weight: components["schemas"]["WeightNumber"];
        };
        /**
         * @description What is to change about a budget of a tag; what is left out stays. Dates are for custom periods only,
         *     and the period itself stays.
         */
        TagBudgetChange: components["schemas"]["BudgetRest"] & components["schemas"]["TagBudgetRest"] & {
            amountUsd?: components["schemas"]["Amount"];
        };
        /** @description A tag's budget with its tag. */
        TagBudgetOfTagBody: components["schemas"]["TagBudgetBody"] & {
            tag: components["schemas"]["TagBody"];
            /**
             * Format: int64
             * @description Where it only counts: how many requests of the present window it would have refused, as far as the
             *     replica that answers decided on them and since its start. The metric
             *     `budgetguard_shadow_refusals_total` of each replica adds up to those of all.
             */
            wouldHaveRefused?: number | null;
        };
        /** @description What only budgets of tags have. */
        TagBudgetRest: {
            /** @description What it does to the requests of tags below: `NONE` is another name of `BYPASS`. */
            inheritanceMode?: null | ("STRICT" | "LENIENT" | "BYPASS" | "NONE");
            isActive?: boolean | null;
            weight?: null | components["schemas"]["WeightAsked"];
        };
        /** @description What is to change about a tag; what is left out stays. */
        TagChange: components["schemas"]["TagRest"] & {
            /** @description Without commas and slashes; unlike those of the tenant's other tags. */
            name?: string;
        };
        /**
         * Format: int64
         * @description A tag.
         * @example 1
         */
        TagId: number;
        /** @description A tag with what stands around it. */
        TagInTreeBody: components["schemas"]["TagBody"] & {
            _count: components["schemas"]["CountBody"];
            budgets: components["schemas"]["TagBudgetBody"][];
            children: components["schemas"]["TagBody"][];
            parent: null | components["schemas"]["TagBody"];
        };
        /** @description An active tag with what it spent itself, and with those below it. */
        TagNodeBody: {
            budget?: null | components["schemas"]["UsdNumber"];
            children: components["schemas"]["TagNodeBody"][];
            id: components["schemas"]["TagId"];
            name: string;
            path: string;
            usage: components["schemas"]["UsdNumber"];
        };
        /** @description A tag that a row has itself. A deleted one has no name any more. */
        TagOfRowBody: {
            id: components["schemas"]["TagId"];
            name: string | null;
            path: string | null;
            weight: components["schemas"]["WeightNumber"];
        };
        /** @description What a tag may have beside its name. */
        TagRest: {
            color?: string | null;
            description?: string | null;
            isActive?: boolean | null;
            /** @description Kept as it is. */
            metadata?: Record<string, never> | null;
            parentId?: null | components["schemas"]["IdAsked"];
            sessionBudgetUsd?: null | components["schemas"]["Amount"];
        };
        /** @description What requests that named a tag cost, by their weights. */
        TagUsageBody: {
            color?: string | null;
            path: string;
            percentage: components["schemas"]["Percentage"];
            /** Format: int64 */
            requests: number;
            tagId: components["schemas"]["TagId"];
            tagName: string;
            usage: components["schemas"]["UsdNumber"];
        };
        /** @description A tenant as every route shows it. */
        TenantBody: {
            /** Format: date-time */
            createdAt: string;
            defaultSessionBudgetUsd: null | components["schemas"]["UsdNumber"];
            id: components["schemas"]["TenantId"];
            name: string;
            /** Format: int32 */
            rateLimitPerMin: number | null;
            timeZone: string | null;
            /** Format: date-time */
            updatedAt: string;
        };
        /** @description What is to change about a tenant; what is left out stays. */
        TenantChange: components["schemas"]["TenantSettings"] & {
            /** @description Unlike those of all other tenants. */
            name?: string;
        };
        /**
         * Format: int64
         * @description A tenant.
         * @example 1
         */
        TenantId: number;
        /** @description What may be set of a tenant beside its name. */
        TenantSettings: {
            defaultSessionBudgetUsd?: null | components["schemas"]["Amount"];
            rateLimitPerMin?: null | components["schemas"]["RateLimit"];
            /**
             * @description The name of the time zone whose calendar its budgets follow.
             * @example Europe/Paris
             */
            timeZone?: string | null;
        };
        /** @description How a test went. */
        TestBody: {
            delivered: boolean;
            durationMs: number;
            error: string | null;
        };
        /** @description At which percents of the limit an alert is raised: a list, or each with a name. */
        ThresholdsAsked: number[] | {
            [key: string]: number;
        };
        /** @description A number of tokens. */
        Tokens: number | string;
        /** @description How a trial went: either a decision, or why there is none, for which a request would be refused. */
        TrialBody: {
            decision: null | components["schemas"]["DecisionBody"];
            error: string | null;
            version: components["schemas"]["BundleVersion"];
        };
        /** @description A provider, by how requests went since the start of the replica. */
        UpstreamStatusBody: {
            /** @description Whether the installation has a key for it. */
            configured: boolean;
            /** Format: date-time */
            lastAnswerAt: string | null;
            /** Format: date-time */
            lastFailureAt: string | null;
            name: components["schemas"]["ProviderName"];
            /**
             * @description `reachable` or `failing` by the last request, `left_alone` while it is spared after many
             *     failures, `unknown` before the first request.
             */
            state: "unknown" | "reachable" | "failing" | "left_alone";
        };
        /** @description What was spent on a day (UTC). */
        UsageOfDayBody: {
            date: string;
            usage: components["schemas"]["UsdNumber"];
        };
        /** @description What was spent on a model. */
        UsageOfModelBody: {
            model: components["schemas"]["ModelName"];
            percentage: components["schemas"]["Percentage"];
            /** Format: int64 */
            requests: number;
            usage: components["schemas"]["UsdNumber"];
        };
        /** @description What some requests come to. */
        UsageSumsBody: {
            costUsd: components["schemas"]["UsdText"];
            /** Format: int64 */
            inputTokens: number;
            /** Format: int64 */
            outputTokens: number;
            /** Format: int64 */
            requests: number;
        };
        /** @description An exact amount in dollars. */
        UsdNumber: number;
        /** @description An exact amount in dollars, as text. */
        UsdText: string;
        /** @description A user as every route shows them. */
        UserBody: {
            /** Format: date-time */
            createdAt: string;
            id: components["schemas"]["UserId"];
            isActive: boolean;
            /** Format: date-time */
            lastLoginAt: string | null;
            name: string;
            role: components["schemas"]["Role"];
            /** Format: date-time */
            updatedAt: string;
        };
        /**
         * Format: int64
         * @description A user of the admin API.
         * @example 1
         */
        UserId: number;
        /** @description From 0 to 10, with at most six decimal places. */
        WeightAsked: number | string;
        /** @description A part of what a request costs: 1 is all of it. */
        WeightNumber: number;
        WhatIfBody: {
            apiKeyId: null | components["schemas"]["ApiKeyId"];
            apiKeys: components["schemas"]["AskedKeyBody"][];
            budgets: components["schemas"]["AskedBudgetBody"][];
            decisionsHash: string;
            /** Format: date-time */
            from: string;
            /** @description By what is in force now, which may not be what was in force then. */
            inForce: components["schemas"]["ChangedBody"];
            /** @description How many rows the lists would have beside those that they have. */
            leftOut: number;
            recorded: components["schemas"]["RecordedBody"];
            /** @description With the changes: what was admitted and would have been refused, oldest first. */
            refusals: components["schemas"]["RefusalBody"][];
            /**
             * Format: int64
             * @description Also those of others that count on the same budgets.
             */
            rowsReplayed: number;
            savedUsd: components["schemas"]["UsdText"];
            tenantId: null | components["schemas"]["TenantId"];
            tenants: components["schemas"]["AskedTenantBody"][];
            /** Format: date-time */
            to: string;
            withChanges: components["schemas"]["ChangedBody"];
        };
        /** @description What would have been different. */
        WhatIfChanges: {
            /** @description Budgets that there are; what is left out stays. */
            alterBudgets?: components["schemas"]["AlteredBudget"][] | null;
            /** @description By period: what tenants may spend that have no budget of their own; `null` is no limit. */
            defaultBudgets?: {
                [key: string]: components["schemas"]["Amount"];
            } | null;
            /** @description Rules in Rego. */
            policy?: string | null;
            rateLimits?: components["schemas"]["AskedRateLimit"][] | null;
            /** @description Ids of budgets that would not have been. */
            removeBudgets?: components["schemas"]["IdAsked"][] | null;
            /** @description Budgets, each in place of the one of the same scope, period and calls. */
            setBudgets?: components["schemas"]["SetBudget"][] | null;
        };
        /** @description A time, and what would have been different in it. */
        WhatIfQuestion: {
            apiKeyId?: null | components["schemas"]["IdAsked"];
            changes?: null | components["schemas"]["WhatIfChanges"];
            /** @description From a day such as `2026-01-31` (UTC), or an instant. */
            from: string;
            tenantId?: null | components["schemas"]["IdAsked"];
            /** @description Until a day, which counts as a whole, or an instant; at most 366 days later. */
            to: string;
        };
        /** @description A version with what it is made of. */
        WholeBundleBody: components["schemas"]["BundleBody"] & {
            /** @description Texts by the names of their files. */
            files?: {
                [key: string]: string;
            } | null;
            /** @description A module in base64. */
            module?: string | null;
        };
    };
    responses: {
        /** @description The request is at fault; the error says in what. */
        BadRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The body did not arrive in time. */
        BodyTimeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The body is longer than 1 MiB. */
        BodyTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The role is not enough, or a change by cookie lacks its token. */
        Forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description A fault of ours; the cause is in the log. */
        InternalError: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description There is no such thing. */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description Too many wrong keys; `Retry-After` says when the next is looked at. */
        Throttled: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description Neither the admin key nor a session. */
        Unauthorized: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
        /** @description The database cannot be reached, or a change that is stored is not yet in force. */
        Unavailable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ErrorBody"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    alertsOfAll: {
        parameters: {
            query?: {
                /** @description From zero. */
                page?: number;
                /** @description 100 when it is left out. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_ListedBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    testAlertWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deactivateKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["ApiKeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listKeyBudgets: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["ApiKeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StandingBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    setKeyBudgets: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["ApiKeyId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewBudgets"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BudgetBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    showKeyRateLimit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["ApiKeyId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RateLimitBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    setKeyRateLimit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["ApiKeyId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RateLimitChange"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RateLimitBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    auditLog: {
        parameters: {
            query?: {
                tenantId?: components["schemas"]["TenantId"];
                /** @description What kind of actor did it. */
                actor?: "admin_key" | "user" | "command_line" | "system" | "unknown";
                /** @description Which user did it. */
                actorId?: components["schemas"]["UserId"];
                /** @description What was done, such as `tenant.update`. */
                action?: string;
                /** @description To what kind of thing, such as `tenant`. */
                target?: string;
                /** @description To which of its kind; needs `target`. */
                targetId?: string;
                /** @description From this day or instant on. */
                startDate?: string;
                /** @description Until this day, which counts as a whole, or instant. */
                endDate?: string;
                /** @description What `next` of a page was. */
                before?: string;
                /** @description 100 when it is left out. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    budgetHealth: {
        parameters: {
            query?: {
                tenantId?: components["schemas"]["TenantId"];
                scope?: "installation" | "tenant" | "key" | "tag" | "session";
                status?: "healthy" | "warning" | "critical" | "exceeded";
                /** @description From zero. */
                page?: number;
                /** @description 100 when it is left out. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BudgetsHealthBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateTagBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["BudgetId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagBudgetChange"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagBudgetOfTagBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteTagBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["BudgetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Success"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["BudgetId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BudgetChange"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BudgetBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["BudgetId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listInstallationBudgets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StandingBody"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    setInstallationBudgets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewBudgets"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BudgetBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listPrices: {
        parameters: {
            query?: {
                /** @description Those in force at this day or instant; now when it is left out. */
                at?: string;
                /** @description Those that begin later, instead. */
                scheduled?: "true" | "false" | "1" | "0";
                /** @description A part of the model's name. */
                search?: string;
                provider?: "openai" | "anthropic" | "google";
                mode?: string;
                retired?: "true" | "false" | "1" | "0";
                /** @description From zero. */
                page?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PriceBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createPrice: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewPrice"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PriceBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updatePrice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id of any of its versions, which is all digits, or the name of its model. */
                idOrModel: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PriceUpdate"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PriceBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    priceHistory: {
        parameters: {
            query?: {
                provider?: "openai" | "anthropic" | "google";
                /** @description From zero. */
                page?: number;
                /** @description 100 when it is left out. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The id of any of its versions, which is all digits, or the name of its model. */
                idOrModel: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_PriceBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    retirePrice: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The id of any of its versions, which is all digits, or the name of its model. */
                idOrModel: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": null | components["schemas"]["Retirement"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PriceBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    providersStatus: {
        parameters: {
            query?: never;
            header?: {
                "X-OpenAI-Key"?: string;
                "X-Anthropic-Key"?: string;
                "X-Google-API-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StatusesBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    providerHealth: {
        parameters: {
            query?: never;
            header?: {
                "X-OpenAI-Key"?: string;
                "X-Anthropic-Key"?: string;
                "X-Google-API-Key"?: string;
            };
            path: {
                provider: "openai" | "anthropic" | "google";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderHealthBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    testProviderKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                provider: "openai" | "anthropic" | "google";
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProviderKey"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderTestBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    whoAmI: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginSessionBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    logIn: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginSessionBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    logOut: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    setOwnPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["OwnPassword"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginSessionBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    sessionUsage: {
        parameters: {
            query?: {
                tenantId?: components["schemas"]["TenantId"];
                /** @description From one. */
                page?: number;
                /** @description 50 when it is left out. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description The id that the caller gave it. */
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionUsageBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    installationStatus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InstallationStatusBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTenants: {
        parameters: {
            query?: {
                /** @description From zero. */
                page?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createTenant: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTenant"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    showTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TenantChange"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TenantBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    closeTenant: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    alertsOfTenant: {
        parameters: {
            query?: {
                /** @description From zero. */
                page?: number;
                /** @description 100 when it is left out. */
                limit?: number;
            };
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_ListedBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listKeys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createKey: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": null | components["schemas"]["NamedKey"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewKeyBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTenantBudgets: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StandingBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    setTenantBudgets: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewBudgets"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BudgetBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    showDefaultSessionBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefaultBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    setDefaultSessionBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionBudget"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefaultBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    removeDefaultSessionBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefaultBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listPolicyBundles: {
        parameters: {
            query?: {
                /** @description From zero. */
                page?: number;
                /** @description 100 when it is left out. */
                limit?: number;
            };
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_BundleBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    uploadPolicyBundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewBundle"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BundleBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deactivatePolicyBundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BundleBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    rollBackPolicyBundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BundleBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    showPolicyBundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                version: components["schemas"]["BundleVersion"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WholeBundleBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    activatePolicyBundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                version: components["schemas"]["BundleVersion"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BundleBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    testPolicyBundle: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                version: components["schemas"]["BundleVersion"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BundleTrial"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrialBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    showTenantRateLimit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RateLimitBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    setTenantRateLimit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RateLimitChange"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RateLimitBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listSessions: {
        parameters: {
            query?: {
                /** @description Made on this day or later. */
                startDate?: string;
                /** @description Made on this day or earlier. */
                endDate?: string;
                status?: "active" | "budget_exceeded" | "completed" | "error";
                /** @description A part of the id or the name. */
                search?: string;
                /** @description From one. */
                page?: number;
                /** @description 50 when it is left out. */
                limit?: number;
            };
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionsBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    showSessionBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                /** @description The id that the caller gave it. */
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionBudgetBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    setSessionBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                /** @description The id that the caller gave it. */
                session: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionBudget"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionBudgetBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    removeSessionBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                /** @description The id that the caller gave it. */
                session: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionBudgetBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    tagAnalytics: {
        parameters: {
            query?: {
                /** @description 30 when it is left out; not used when dates are given. */
                days?: number;
                /** @description A day such as `2026-01-31`, or an instant. It needs `endDate`. */
                startDate?: string;
                /** @description A day, which counts as a whole, or an instant. */
                endDate?: string;
                /** @description All when it is left out. */
                tagId?: components["schemas"]["TagId"][];
            };
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnalyticsBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTaggingRules: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createTaggingRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewRule"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateTaggingRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                rule: components["schemas"]["RuleId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RuleChange"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RuleBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteTaggingRule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                rule: components["schemas"]["RuleId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Success"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTags: {
        parameters: {
            query?: {
                includeInactive?: "true" | "false" | "1" | "0";
                /** @description Only those right below this one. */
                parentId?: components["schemas"]["TagId"];
            };
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagInTreeBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createTag: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTag"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagInTreeBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    showTag: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                tag: components["schemas"]["TagId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagInTreeBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateTag: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                tag: components["schemas"]["TagId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TagChange"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagInTreeBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteTag: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                tag: components["schemas"]["TagId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Success"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    activateTag: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                tag: components["schemas"]["TagId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Success"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listTagBudgets: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                tag: components["schemas"]["TagId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagBudgetOfTagBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createTagBudget: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                tag: components["schemas"]["TagId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewTagBudget"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TagBudgetOfTagBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deactivateTag: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
                tag: components["schemas"]["TagId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Success"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    currentUsage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: components["schemas"]["UsdNumber"];
                    };
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    usageByDay: {
        parameters: {
            query?: {
                /** @description 30 when it is left out; not used when dates are given. */
                days?: number;
                /** @description A day such as `2026-01-31`, or an instant. It needs `endDate`. */
                startDate?: string;
                /** @description A day, which counts as a whole, or an instant. */
                endDate?: string;
            };
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageOfDayBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    ledgerOfTenant: {
        parameters: {
            query?: {
                /** @description 30 when it is left out; not used when dates are given. */
                days?: number;
                /** @description A day such as `2026-01-31`, or an instant. It needs `endDate`. */
                startDate?: string;
                /** @description A day, which counts as a whole, or an instant. */
                endDate?: string;
                /** @description From zero. */
                page?: number;
                /** @description 100 when it is left out. */
                limit?: number;
                /** @description The `nextCursor` of the page before, in the place of a number. */
                cursor?: string;
                /** @description `at` when it is left out. */
                sort?: "at" | "cost";
                /** @description `desc` when it is left out. */
                order?: "asc" | "desc";
                /** @description A part of the model's name. */
                model?: string;
                /** @description A part of the route. */
                route?: string;
                status?: "success" | "blocked" | "failed" | "aborted" | "interrupted";
                /** @description The provider's name. */
                provider?: string;
                /** @description The key that was used. */
                keyId?: components["schemas"]["ApiKeyId"];
                /** @description Dollars that a row costs at least. */
                minCost?: number | string;
                /** @description Dollars that a row costs at most. */
                maxCost?: number | string;
            };
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    usageByModel: {
        parameters: {
            query?: {
                /** @description 30 when it is left out; not used when dates are given. */
                days?: number;
                /** @description A day such as `2026-01-31`, or an instant. It needs `endDate`. */
                startDate?: string;
                /** @description A day, which counts as a whole, or an instant. */
                endDate?: string;
            };
            header?: never;
            path: {
                id: components["schemas"]["TenantId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageOfModelBody"][];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    usageBreakdown: {
        parameters: {
            query: {
                /**
                 * @description One or two, with a comma between or given twice; `key` goes neither with `route` nor with
                 *     `status`.
                 */
                by: ("day" | "tenant" | "key" | "provider" | "model" | "route" | "status")[];
                /** @description 1000 when it is left out. */
                limit?: number;
                tenantId?: components["schemas"]["TenantId"];
                /** @description 30 when it is left out; not used when dates are given. */
                days?: number;
                /** @description A day such as `2026-01-31`, or an instant. It needs `endDate`. */
                startDate?: string;
                /** @description A day, which counts as a whole, or an instant. */
                endDate?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BreakdownBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    ledgerOfAll: {
        parameters: {
            query?: {
                /** @description A part of the tenant's name. */
                tenant?: string;
                tenantId?: components["schemas"]["TenantId"];
                /** @description 30 when it is left out; not used when dates are given. */
                days?: number;
                /** @description A day such as `2026-01-31`, or an instant. It needs `endDate`. */
                startDate?: string;
                /** @description A day, which counts as a whole, or an instant. */
                endDate?: string;
                /** @description From zero. */
                page?: number;
                /** @description 100 when it is left out. */
                limit?: number;
                /** @description The `nextCursor` of the page before, in the place of a number. */
                cursor?: string;
                /** @description `at` when it is left out. */
                sort?: "at" | "cost";
                /** @description `desc` when it is left out. */
                order?: "asc" | "desc";
                /** @description A part of the model's name. */
                model?: string;
                /** @description A part of the route. */
                route?: string;
                status?: "success" | "blocked" | "failed" | "aborted" | "interrupted";
                /** @description The provider's name. */
                provider?: string;
                /** @description The key that was used. */
                keyId?: components["schemas"]["ApiKeyId"];
                /** @description Dollars that a row costs at least. */
                minCost?: number | string;
                /** @description Dollars that a row costs at most. */
                maxCost?: number | string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    ledgerExport: {
        parameters: {
            query?: {
                /** @description `jsonl` when it is left out. */
                format?: "jsonl" | "csv";
                /** @description A part of the tenant's name. */
                tenant?: string;
                tenantId?: components["schemas"]["TenantId"];
                /** @description 30 when it is left out; not used when dates are given. */
                days?: number;
                /** @description A day such as `2026-01-31`, or an instant. It needs `endDate`. */
                startDate?: string;
                /** @description A day, which counts as a whole, or an instant. */
                endDate?: string;
                /** @description A part of the model's name. */
                model?: string;
                /** @description A part of the route. */
                route?: string;
                status?: "success" | "blocked" | "failed" | "aborted" | "interrupted";
                /** @description The provider's name. */
                provider?: string;
                /** @description The key that was used. */
                keyId?: components["schemas"]["ApiKeyId"];
                /** @description Dollars that a row costs at least. */
                minCost?: number | string;
                /** @description Dollars that a row costs at most. */
                maxCost?: number | string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/jsonl": string;
                    "text/csv": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    ledgerEntry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The `id` of the row, which `x-budgetguard-request-id` said. */
                requestId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LedgerEntryBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    listUsers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserBody"][];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUser"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    showUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["UserId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    updateUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["UserId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangedUser"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    deactivateUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: components["schemas"]["UserId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Done"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    askWhatIf: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WhatIfQuestion"];
            };
        };
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WhatIfBody"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            408: components["responses"]["BodyTimeout"];
            413: components["responses"]["BodyTooLarge"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    document: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
        };
    };
    documentAsYaml: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This document, as YAML. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/yaml": Record<string, never>;
                };
            };
        };
    };
    get_download_v1_files_id_do_download: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_download_v1beta_files_id_do_download: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthBody"];
                };
            };
            /** @description What was asked for. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthBody"];
                };
            };
        };
    };
    healthDetailed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HealthDetailedBody"];
                };
            };
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain; version=0.0.4": string;
                };
            };
            /** @description The token of the settings is asked for. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ErrorBody"];
                };
            };
        };
    };
    post_upload_v1_files: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_upload_v1beta_files: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_audio_speech: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_audio_transcriptions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_audio_translations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_batches: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_batches: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_batches_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    delete_v1_batches_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_batches_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_batches_id_do_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    ownBudget: {
        parameters: {
            query?: never;
            header?: {
                /** @description Those of a request with these tags, too. */
                "X-Tags"?: string | null;
                /** @description That of this session, too. */
                "X-Session-Id"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The limits that its requests are under. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnLimits"];
                };
            };
            /** @description A refusal, in the form of OpenAI. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_v1_cachedContents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_cachedContents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_cachedContents_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    delete_v1_cachedContents_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    patch_v1_cachedContents_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_chat_completions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_completions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_embeddings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_files: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_files: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_files_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    delete_v1_files_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_files_id_content: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_files_id_do_download: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_images_edits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_images_generations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_images_variations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_messages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_messages_batches: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_messages_batches: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_messages_batches_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    delete_v1_messages_batches_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_messages_batches_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_messages_batches_id_results: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_messages_count_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_models: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_models_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_models_model_do_asyncBatchEmbedContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_models_model_do_batchEmbedContents: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_models_model_do_batchGenerateContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_models_model_do_countTokens: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_models_model_do_embedContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_models_model_do_generateContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_models_model_do_streamGenerateContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_moderations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_realtime: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    receipt: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description What `x-budgetguard-request-id` said. */
                request: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The receipt. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receipt"];
                };
            };
            /** @description The tenant has no such request. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A refusal, in the form of OpenAI. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_v1_responses: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_responses_compact: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_responses_input_tokens: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_responses_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    delete_v1_responses_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_responses_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1_responses_id_input_items: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_uploads: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_uploads_id_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_uploads_id_complete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1_uploads_id_parts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_batches: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_batches_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    delete_v1beta_batches_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_batches_id_do_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_cachedContents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_cachedContents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_cachedContents_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    delete_v1beta_cachedContents_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    patch_v1beta_cachedContents_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_files: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_files_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    delete_v1beta_files_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_files_id_do_download: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_models: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_models_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_models_model_do_asyncBatchEmbedContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_models_model_do_batchEmbedContents: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_models_model_do_batchGenerateContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_models_model_do_countTokens: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_models_model_do_embedContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_models_model_do_generateContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_models_model_do_streamGenerateContent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_openai_chat_completions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_openai_embeddings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    post_v1beta_openai_images_generations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description As the provider documents it. */
        requestBody?: {
            content: {
                "*/*": unknown;
            };
        };
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_openai_models: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_v1beta_openai_models_model: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                model: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The provider's answer, as it is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "*/*": unknown;
                };
            };
            /** @description What the provider answers otherwise, or a refusal in the provider's form: 401 for an unknown key, 402 where a budget has no room, 403 by a rule, 429 by a rate limit. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
}
