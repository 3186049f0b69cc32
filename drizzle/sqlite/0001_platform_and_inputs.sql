ALTER TABLE `tasks` ADD `platform` text;--> statement-breakpoint
CREATE INDEX `tasks_by_inputs` ON `tasks` (`caller`,`inputs_hash`,`created_seq`);