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
CREATE TABLE `asset_calls` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`begun_mono` integer NOT NULL,
	`ended_mono` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `asset_calls_by_end` ON `asset_calls` (`ended_mono`);--> statement-breakpoint
CREATE TABLE `batches` (
	`id` text PRIMARY KEY NOT NULL,
	`caller` text NOT NULL,
	`size` integer NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `caller_queues` (
	`caller` text PRIMARY KEY NOT NULL,
	`waiting` integer NOT NULL,
	`turn` integer NOT NULL,
	`minute_mono` integer NOT NULL,
	`minute_creates` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `caller_queues_by_turn` ON `caller_queues` (`turn`,`caller`) WHERE waiting > 0;--> statement-breakpoint
CREATE TABLE `gateway` (
	`id` integer PRIMARY KEY NOT NULL,
	`epoch` text NOT NULL,
	`starts` integer NOT NULL,
	`submits` integer NOT NULL,
	`boot_id` text NOT NULL,
	`system_mono` integer NOT NULL,
	`mono` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `nodes` (
	`id` text PRIMARY KEY NOT NULL,
	`host` text NOT NULL,
	`pid` integer NOT NULL,
	`version` text NOT NULL,
	`started_at` integer NOT NULL,
	`seen_mono` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `secrets` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `stage_counts` (
	`stage` text NOT NULL,
	`caller` text NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`stage`, `caller`)
);
--> statement-breakpoint
CREATE TABLE `submit_queue` (
	`id` integer PRIMARY KEY NOT NULL,
	`kind` text,
	`reason` text,
	`until_mono` integer,
	`ends_by_check_mono` integer,
	`failures` integer NOT NULL,
	`lost_answers` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`caller` text NOT NULL,
	`video_url` text NOT NULL,
	`audio_url` text NOT NULL,
	`playback_type` text NOT NULL,
	`video_sha256` text,
	`audio_sha256` text,
	`inputs_hash` text NOT NULL,
	`reference` text,
	`idempotency_key` text,
	`retry_of` text,
	`platform` text,
	`batch_id` text,
	`created_at` integer NOT NULL,
	`reserved_cents` integer NOT NULL,
	`lookup_first` integer NOT NULL,
	`created_seq` integer NOT NULL,
	`stage` text NOT NULL,
	`queued_at` integer,
	`queued_mono` integer,
	`attempted_at` integer,
	`attempted_mono` integer,
	`attempted_upstream_at` integer,
	`sent_video_url` text,
	`sent_audio_url` text,
	`upstream_id` text,
	`submitted_at` integer,
	`submitted_mono` integer,
	`started_at` integer,
	`completed_at` integer,
	`result_url` text,
	`cover_url` text,
	`duration_ms` integer,
	`animation` text,
	`animated_share` real,
	`cost_cents` integer,
	`failure_code` text,
	`failure_message` text,
	`seq` integer NOT NULL,
	`due_mono` integer,
	`checks` integer NOT NULL,
	`failures` integer NOT NULL,
	`absences` integer NOT NULL,
	`problem` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_retry_of_unique` ON `tasks` (`retry_of`);--> statement-breakpoint
CREATE INDEX `tasks_by_age` ON `tasks` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_by_stage` ON `tasks` (`stage`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_by_reference` ON `tasks` (`reference`,`created_at`,`id`) WHERE reference IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_caller` ON `tasks` (`caller`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_by_caller_and_stage` ON `tasks` (`caller`,`stage`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_by_caller_and_reference` ON `tasks` (`caller`,`reference`,`created_at`,`id`) WHERE reference IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_caller_reference_and_stage` ON `tasks` (`caller`,`reference`,`stage`,`created_at`,`id`) WHERE reference IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_batch` ON `tasks` (`batch_id`,`created_at`,`id`) WHERE batch_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_batch_and_stage` ON `tasks` (`batch_id`,`stage`,`created_at`,`id`) WHERE batch_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_uploaded_video` ON `tasks` (`video_sha256`,`stage`) WHERE video_sha256 IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_uploaded_audio` ON `tasks` (`audio_sha256`,`stage`) WHERE audio_sha256 IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_inputs` ON `tasks` (`caller`,`inputs_hash`,`created_seq`);--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_by_idempotency_key` ON `tasks` (`caller`,`idempotency_key`) WHERE idempotency_key IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_by_upstream_id` ON `tasks` (`upstream_id`) WHERE upstream_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_due` ON `tasks` (`due_mono`,`id`) WHERE due_mono IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_queued` ON `tasks` (`caller`,`created_seq`) WHERE stage = 'queued';--> statement-breakpoint
CREATE INDEX `tasks_queued_twins` ON `tasks` (`inputs_hash`,`caller`,`created_seq`) WHERE stage = 'queued';--> statement-breakpoint
CREATE INDEX `tasks_queued_by_age` ON `tasks` (`queued_mono`) WHERE +stage = 'queued';--> statement-breakpoint
CREATE INDEX `tasks_unsettled` ON `tasks` (`inputs_hash`) WHERE stage IN ('submitting', 'unknown');--> statement-breakpoint
CREATE TABLE `transitions` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`task_id` text NOT NULL,
	`caller` text NOT NULL,
	`reference` text,
	`batch_id` text,
	`at` integer NOT NULL,
	`mono` integer NOT NULL,
	`reason` text,
	`stage` text NOT NULL,
	`queued_at` integer,
	`queued_mono` integer,
	`attempted_at` integer,
	`attempted_mono` integer,
	`attempted_upstream_at` integer,
	`sent_video_url` text,
	`sent_audio_url` text,
	`upstream_id` text,
	`submitted_at` integer,
	`submitted_mono` integer,
	`started_at` integer,
	`completed_at` integer,
	`result_url` text,
	`cover_url` text,
	`duration_ms` integer,
	`animation` text,
	`animated_share` real,
	`cost_cents` integer,
	`failure_code` text,
	`failure_message` text
);
--> statement-breakpoint
CREATE INDEX `transitions_by_task` ON `transitions` (`task_id`,`seq`);--> statement-breakpoint
CREATE INDEX `transitions_by_caller` ON `transitions` (`caller`,`seq`);--> statement-breakpoint
CREATE INDEX `transitions_by_reference` ON `transitions` (`reference`,`seq`) WHERE reference IS NOT NULL;--> statement-breakpoint
CREATE INDEX `transitions_by_caller_and_reference` ON `transitions` (`caller`,`reference`,`seq`) WHERE reference IS NOT NULL;--> statement-breakpoint
CREATE INDEX `transitions_by_batch` ON `transitions` (`batch_id`,`seq`) WHERE batch_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `transitions_submitting` ON `transitions` (`seq`) WHERE stage = 'submitting';--> statement-breakpoint
CREATE TABLE `twin_queues` (
	`inputs_hash` text NOT NULL,
	`caller` text NOT NULL,
	`waiting` integer NOT NULL,
	`head_seq` integer NOT NULL,
	`is_held` integer NOT NULL,
	PRIMARY KEY(`inputs_hash`, `caller`)
);
--> statement-breakpoint
CREATE INDEX `twin_queues_by_head` ON `twin_queues` (`caller`,`head_seq`) WHERE is_held = 0;--> statement-breakpoint
CREATE TABLE `uploads` (
	`media_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`caller` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`sha256` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_mono` integer NOT NULL,
	`is_kept` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `uploads_by_caller` ON `uploads` (`caller`,`size_bytes`) WHERE is_kept = 1;--> statement-breakpoint
CREATE INDEX `uploads_by_expiry` ON `uploads` (`expires_mono`) WHERE is_kept = 1;--> statement-breakpoint
CREATE INDEX `uploads_by_content` ON `uploads` (`sha256`);--> statement-breakpoint
CREATE TABLE `upstream_assets` (
	`sha256` text NOT NULL,
	`upstream` text NOT NULL,
	`url` text NOT NULL,
	PRIMARY KEY(`sha256`, `upstream`)
);
--> statement-breakpoint
CREATE TABLE `usage` (
	`month` text NOT NULL,
	`caller` text NOT NULL,
	`pending` integer NOT NULL,
	`processing` integer NOT NULL,
	`success` integer NOT NULL,
	`failed` integer NOT NULL,
	`canceled` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`spent_cents` integer NOT NULL,
	`reserved_cents` integer NOT NULL,
	PRIMARY KEY(`month`, `caller`)
);
--> statement-breakpoint
CREATE INDEX `usage_by_caller` ON `usage` (`caller`,`month`);