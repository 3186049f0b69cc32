CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`caller` text NOT NULL,
	`hash` text NOT NULL,
	`scopes` text NOT NULL,
	`limits` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_at` integer
);
--> statement-breakpoint
CREATE TABLE `secrets` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`caller` text NOT NULL,
	`video_url` text NOT NULL,
	`audio_url` text NOT NULL,
	`playback_type` text NOT NULL,
	`reference` text,
	`idempotency_key` text,
	`retry_of` text,
	`created_at` integer NOT NULL,
	`reserved_cents` integer NOT NULL,
	`stage` text NOT NULL,
	`queued_at` integer,
	`attempted_at` integer,
	`upstream_id` text,
	`submitted_at` integer,
	`started_at` integer,
	`completed_at` integer,
	`result_url` text,
	`cover_url` text,
	`duration_ms` integer,
	`animation` text,
	`animated_share` real,
	`failure_code` text,
	`failure_message` text,
	`status` text NOT NULL,
	`seq` integer NOT NULL,
	`due_at` integer,
	`looks` integer DEFAULT 0 NOT NULL,
	`failures` integer DEFAULT 0 NOT NULL,
	`absences` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_retry_of_unique` ON `tasks` (`retry_of`);--> statement-breakpoint
CREATE INDEX `tasks_by_caller` ON `tasks` (`caller`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_by_status` ON `tasks` (`caller`,`status`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_by_reference` ON `tasks` (`caller`,`reference`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_by_reference_and_status` ON `tasks` (`caller`,`reference`,`status`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_by_idempotency_key` ON `tasks` (`caller`,`idempotency_key`);--> statement-breakpoint
CREATE INDEX `tasks_due` ON `tasks` (`due_at`) WHERE due_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_queued` ON `tasks` (`caller`,`id`) WHERE stage = 'queued';--> statement-breakpoint
CREATE INDEX `tasks_waiting` ON `tasks` (`queued_at`) WHERE stage = 'queued';--> statement-breakpoint
CREATE INDEX `tasks_unsettled` ON `tasks` (`video_url`,`audio_url`,`playback_type`) WHERE stage IN ('submitting', 'unknown');--> statement-breakpoint
CREATE INDEX `tasks_by_upstream_id` ON `tasks` (`upstream_id`) WHERE upstream_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `transitions` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`task_id` text NOT NULL,
	`caller` text NOT NULL,
	`at` integer NOT NULL,
	`reason` text,
	`stage` text NOT NULL,
	`queued_at` integer,
	`attempted_at` integer,
	`upstream_id` text,
	`submitted_at` integer,
	`started_at` integer,
	`completed_at` integer,
	`result_url` text,
	`cover_url` text,
	`duration_ms` integer,
	`animation` text,
	`animated_share` real,
	`failure_code` text,
	`failure_message` text,
	FOREIGN KEY (`task_id`) REFERENCES `tasks`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `transitions_by_task` ON `transitions` (`task_id`,`seq`);--> statement-breakpoint
CREATE INDEX `transitions_by_caller` ON `transitions` (`caller`,`seq`);--> statement-breakpoint
CREATE INDEX `transitions_submitting` ON `transitions` (`at`) WHERE stage = 'submitting';--> statement-breakpoint
CREATE TABLE `turns` (
	`caller` text PRIMARY KEY NOT NULL,
	`seq` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `usage` (
	`caller` text NOT NULL,
	`month` text NOT NULL,
	`pending` integer DEFAULT 0 NOT NULL,
	`processing` integer DEFAULT 0 NOT NULL,
	`success` integer DEFAULT 0 NOT NULL,
	`failed` integer DEFAULT 0 NOT NULL,
	`duration_ms` integer DEFAULT 0 NOT NULL,
	`spent_cents` integer DEFAULT 0 NOT NULL,
	`reserved_cents` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`caller`, `month`)
);
